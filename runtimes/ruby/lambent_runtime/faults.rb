# frozen_string_literal: true

require "json"

module LambentRuntime
  # Error reports in the form of AWS's Ruby runtime.
  module Faults
    OWN_FOLDER = "#{__dir__}/"

    module_function

    # kind: "Function" for an error of an invocation, "Init" for one before the first. type: the class to name.
    def describe(error, kind, type = error.class)
      { errorMessage: text_of(error), errorType: "#{kind}<#{type}>", stackTrace: users_frames(error) }
    end

    def log(title, report)
      $stdout.puts("#{title}\n#{JSON.generate(report)}")
    end

    def text_of(error)
      text = error.message.to_s
      text = text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace) unless text.encoding == Encoding::UTF_8
      text.scrub
    rescue StandardError
      "<unprintable #{error.class} object>"
    end

    # Down to where this client called.
    def users_frames(error)
      frames = (error.backtrace || []).map(&:scrub)
      frames.shift while frames.first&.start_with?(OWN_FOLDER)
      frames.take_while { |frame| !frame.start_with?(OWN_FOLDER) }
            .reject { |frame| frame.include?("/rubygems/core_ext/kernel_require.rb") }
    end
  end
end
