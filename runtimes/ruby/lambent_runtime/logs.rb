# frozen_string_literal: true

require "logger"

module LambentRuntime
  # Puts the id of the invocation into the lines of `logger`, as AWS does:
  # I, [2026-11-23T10:00:00.000000 #8]  INFO 8f507cfc-... -- : text
  module Logs
    class << self
      attr_accessor :request_id

      def arrange
        Logger::Formatter.prepend(RequestIds) unless Logger::Formatter.include?(RequestIds)
      end
    end

    module RequestIds
      def call(severity, time, progname, msg)
        super.sub(/\A(.*?) -- /) { "#{Regexp.last_match(1)} #{Logs.request_id} -- " }
      end
    end
  end
end
