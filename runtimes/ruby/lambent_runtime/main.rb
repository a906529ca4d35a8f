# frozen_string_literal: true

# The life of an instance: load the user's handler, then serve one invocation after another.
#
# Read in this order: main, loader (the handler), invocation (one call), context (what the handler sees), api (HTTP),
# faults (error reports), logs (`logger`). Nothing of this runs before run(), and there is no connection, so a process
# may be forked after it is loaded.

require_relative "api"
require_relative "faults"
require_relative "invocation"
require_relative "loader"
require_relative "logs"

module LambentRuntime
  module_function

  # Runs until the platform ends the process. Reads all it needs from the environment, so call it after a fork.
  def run
    $stdout.sync = $stderr.sync = true
    Logs.arrange
    api = Api.new(ENV.fetch("AWS_LAMBDA_RUNTIME_API"))
    handler = load_or_exit(api)
    loop { Invocation.serve_one(api, handler) }
  rescue Api::Lost => error
    warn(error.message)
    exit!(1)
  end

  def load_or_exit(api)
    Loader.load(ENV.fetch("LAMBDA_TASK_ROOT", Loader::TASK_ROOT), ENV.fetch("_HANDLER", ""))
  rescue SystemExit, SignalException
    raise # the function ends itself, which is the platform's to report
  rescue Exception => error # LoadError and SyntaxError are not StandardErrors
    report = Faults.describe(error, "Init")
    Faults.log("Init error when loading handler", report)
    api.post_init_error(report)
    exit!(1)
  end
end
