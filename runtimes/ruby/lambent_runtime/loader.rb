# frozen_string_literal: true

module LambentRuntime
  # Finds the user's handler by AWS's rules: "file.method", or "file.Module::Class.method" for a method of a class or
  # module.
  module Loader
    TASK_ROOT = "/var/task"
    RUNTIME_FOLDER = File.dirname(__dir__) # where snapshot_restore is

    module_function

    # Something with call(event:, context:). Raises what the file raises while it loads.
    def load(task_root, name)
      file, *owner, method = name.split(".")
      if file.nil? || method.nil? || file.empty? || owner.size > 1
        raise ArgumentError, "Bad handler '#{name}': not of the form file.method or file.Class.method"
      end

      $LOAD_PATH.unshift(task_root) unless $LOAD_PATH.include?(task_root)
      $LOAD_PATH.push(RUNTIME_FOLDER) unless $LOAD_PATH.include?(RUNTIME_FOLDER)
      require File.expand_path(file, task_root)
      # A method of the top level is a private one of every object.
      receiver = owner.empty? ? Kernel : Object.const_get(owner.first)
      ->(event:, context:) { receiver.send(method, event: event, context: context) }
    end
  end
end
