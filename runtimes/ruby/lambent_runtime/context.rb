# frozen_string_literal: true

require "json"

module LambentRuntime
  # What a handler gets as `context`. Names as AWS documents them for Ruby.
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :function_name, :function_version, :memory_limit_in_mb,
                :log_group_name, :log_stream_name, :deadline_ms, :identity, :client_context, :tenant_id

    # call: Line::Call
    def initialize(call)
      @aws_request_id = call.request_id
      @invoked_function_arn = call.arn
      @tenant_id = call.tenant_id.empty? ? nil : call.tenant_id
      @deadline_ms = call.deadline_ms
      @identity = parse(call.identity)
      @client_context = parse(call.client_context)
      @function_name = ENV["AWS_LAMBDA_FUNCTION_NAME"]
      @function_version = ENV["AWS_LAMBDA_FUNCTION_VERSION"]
      @memory_limit_in_mb = ENV["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
      @log_group_name = ENV["AWS_LAMBDA_LOG_GROUP_NAME"]
      @log_stream_name = ENV["AWS_LAMBDA_LOG_STREAM_NAME"]
    end

    # Milliseconds until the invocation times out, never negative.
    def get_remaining_time_in_millis
      [0, @deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond)].max
    end

    private

    def parse(text)
      text.empty? ? nil : JSON.parse(text)
    end
  end
end
