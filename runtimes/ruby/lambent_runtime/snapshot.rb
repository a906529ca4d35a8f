# frozen_string_literal: true

require_relative "main"
require_relative "randomness"

module LambentRuntime
  # A template of one version of a function (LAMBENT_TEMPLATE_MODE=snapshot): INIT and the hooks before the snapshot run
  # in it once, and each instance is a fork that goes on from there, with the environment of its assignment, new random
  # numbers, and the hooks after the restore.
  #
  # What cannot be forked, a thread or a descriptor that INIT left behind, ends the template with EXIT_UNSAFE.
  class Snapshot
    EXIT_UNSAFE = 3

    def initialize
      @started = ENV.to_h
      before = descriptors
      line = Line.take(ENV)
      @handler = LambentRuntime.initialize_function(line)
      run_hooks(:before_snapshot) { |error| LambentRuntime.end_by(line, :post_init_error, "Runtime.BeforeSnapshotError", error) }
      end_if_unsafe(descriptors - before)
    end

    # In the fork.
    def run(environment)
      line = Line.take(environment)
      take(environment)
      Randomness.renew
      run_hooks(:after_restore) { |error| LambentRuntime.end_by(line, :post_restore_error, "Runtime.AfterRestoreError", error) }
      LambentRuntime.serve(line, @handler)
    end

    private

    # What the assignment changes; what INIT itself has changed stays.
    def take(environment)
      (@started.keys - environment.keys).each { |name| ENV.delete(name) }
      environment.each { |name, value| ENV[name] = value unless @started[name] == value }
    end

    def run_hooks(kind)
      return unless defined?(::SnapshotRestore)

      ::SnapshotRestore.public_send(kind).each(&:call)
    rescue StandardError, ScriptError => error
      yield error
    end

    def descriptors
      Dir.children("/proc/self/fd").select { |fd| File.exist?("/proc/self/fd/#{fd}") }
    end

    def end_if_unsafe(left)
      # Ruby's own descriptors for events come and go with its threads.
      left = left.reject { |fd| File.readlink("/proc/self/fd/#{fd}") == "anon_inode:[eventfd]" }
      threads = Dir.children("/proc/self/task").size - 1
      return if threads.zero? && left.empty?

      puts "No snapshot is made of this version: INIT left #{threads} threads and #{left.size} open descriptors. " \
           "Instances run INIT themselves."
      exit!(EXIT_UNSAFE)
    end
  end
end
