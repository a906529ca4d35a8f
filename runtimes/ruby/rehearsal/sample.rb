# frozen_string_literal: true

# The handler that a template rehearses starts with (lambent_runtime/template.rb).

require "json"

TABLE = ENV.fetch("TABLE", "documents")

def rehearsed_handler(event:, context:)
  { statusCode: 200, body: JSON.generate(event), table: TABLE, left: context.get_remaining_time_in_millis }
end
