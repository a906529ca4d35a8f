# frozen_string_literal: true

# The life of an instance: load the user's handler, then serve one invocation after another.
#
# Read in this order: main, loader (the handler), invocation (one call), context (what the handler sees), line (the platform),
# faults (error reports), logs (`logger`). Nothing of this runs before run(), and there is no connection, so a process
# may be forked after it is loaded.

require_relative "faults"
require_relative "invocation"
require_relative "line"
require_relative "loader"
require_relative "logs"

module LambentRuntime
  module_function

  # Runs until the platform ends the process. Reads all it needs from the environment, so call it after a fork.
  def run
    line = Line.take(ENV)
    serve(line, initialize_function(line))
  end

  # INIT: the user's handler. Where that fails: reports it and ends the process.
  def initialize_function(line)
    $stdout.sync = $stderr.sync = true
    Logs.arrange
    Loader.load(ENV.fetch("LAMBDA_TASK_ROOT", Loader::TASK_ROOT), ENV.fetch("_HANDLER", ""))
  rescue SystemExit, SignalException
    raise # the function ends itself, which is the platform's to report
  rescue Exception => error # LoadError and SyntaxError are not StandardErrors
    end_by(line, :post_init_error, error.class, error)
  end

  def serve(line, handler)
    loop { Invocation.serve_one(line, handler) }
  rescue Line::Lost => error
    warn(error.message)
    exit!(1)
  end

  # type: the class to report it as.
  def end_by(line, post, type, error)
    report = Faults.describe(error, "Init", type)
    Faults.log("Init error when loading handler", report)
    line.public_send(post, report)
    exit!(1)
  rescue Line::Lost
    exit!(1)
  end
end
