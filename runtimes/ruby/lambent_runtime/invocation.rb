# frozen_string_literal: true

require "json"

require_relative "context"
require_relative "faults"
require_relative "line"
require_relative "logs"

module LambentRuntime
  # One invocation: wait for it, call the handler, give its answer or its error to the platform.
  module Invocation
    module_function

    # Blocks for the next invocation and answers it.
    def serve_one(line, handler)
      call = line.next_call
      request_id = call.request_id
      Logs.request_id = request_id
      ENV["_X_AMZN_TRACE_ID"] = call.trace_id.empty? ? nil : call.trace_id
      answer, content_type = run(handler, call)
      $stdout.flush
      line.post_response(request_id, answer, content_type)
    rescue Line::Lost, SystemExit, SignalException
      raise
    rescue Exception => error # NotImplementedError, SystemStackError ... are not StandardErrors
      report = Faults.describe(error, "Function")
      Faults.log("Error raised from handler method", report)
      line.post_error(request_id, report)
      exit!(1) if error.is_a?(NoMemoryError)
    end

    def run(handler, call)
      result = handler.call(event: JSON.parse(call.payload), context: Context.new(call))
      return [result.read, "application/unknown"] if result.is_a?(IO) || (defined?(StringIO) && result.is_a?(StringIO))

      [JSON.generate(result), "application/json"]
    end
  end
end
