# frozen_string_literal: true

require "json"

module LambentRuntime
  # What a handler gets as `context`. Names as AWS documents them for Ruby.
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :function_name, :function_version, :memory_limit_in_mb,
                :log_group_name, :log_stream_name, :deadline_ms, :identity, :client_context, :tenant_id

    # headers: those of the answer to /invocation/next, with lower-case names.
    def initialize(headers)
      @aws_request_id = headers.fetch("lambda-runtime-aws-request-id")
      @invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
      @tenant_id = headers["lambda-runtime-aws-tenant-id"]
      @deadline_ms = headers["lambda-runtime-deadline-ms"].to_i
      @identity = parse(headers["lambda-runtime-cognito-identity"])
      @client_context = parse(headers["lambda-runtime-client-context"])
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
      text && JSON.parse(text)
    end
  end
end
