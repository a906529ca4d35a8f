# frozen_string_literal: true

require "json"

require_relative "context"
require_relative "faults"
require_relative "logs"

module LambentRuntime
  # One invocation: wait for it, call the handler, give its answer or its error to the platform.
  module Invocation
    module_function

    # Blocks for the next invocation and answers it.
    def serve_one(api, handler)
      headers, body = api.next_invocation
      request_id = headers.fetch("lambda-runtime-aws-request-id")
      Logs.request_id = request_id
      ENV["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
      answer, content_type = call(handler, headers, body)
      $stdout.flush
      api.post_response(request_id, answer, content_type)
    rescue Api::Lost, SystemExit, SignalException
      raise
    rescue Exception => error # NotImplementedError, SystemStackError ... are not StandardErrors
      report = Faults.describe(error, "Function")
      Faults.log("Error raised from handler method", report)
      api.post_error(request_id, report)
      exit!(1) if error.is_a?(NoMemoryError)
    end

    def call(handler, headers, body)
      result = handler.call(event: decode(headers, body), context: Context.new(headers))
      return [result.read, "application/unknown"] if result.is_a?(IO) || (defined?(StringIO) && result.is_a?(StringIO))

      [JSON.generate(result), "application/json"]
    end

    def decode(headers, body)
      return body unless headers.fetch("content-type", "application/json").start_with?("application/json")

      JSON.parse(body.force_encoding(Encoding::UTF_8))
    end
  end
end
