#include "invoke/outcome_record.h"

#include <boost/json.hpp>

#include "base/time_format.h"

namespace lambent::invoke {
namespace {

namespace json = boost::json;

// The text as it is where it is JSON, else as a string: answers of functions need not be JSON.
json::value json_or_text(std::string_view text) {
  boost::system::error_code failed;
  auto value = json::parse(json::string_view(text.data(), text.size()), failed);
  if (!failed) return value;
  return json::string(json::string_view(text.data(), text.size()));
}

std::string_view name_of(Condition condition) {
  switch (condition) {
    case Condition::success:
      return "Success";
    case Condition::retries_exhausted:
      return "RetriesExhausted";
    case Condition::age_exceeded:
      return "EventAgeExceeded";
    case Condition::loop_detected:
      return "RecursiveInvocationDetected";
  }
  return "";
}

}  // namespace

std::string outcome_record(const Event& event, std::string_view qualifier, Condition condition, const Answer* answer,
                           Wall time) {
  std::string arn = event.invoked_arn;
  if (qualifier.empty()) arn += ":$LATEST";
  json::object record{{"version", "1.0"},
                      {"timestamp", format_iso_millis(time)},
                      {"requestContext",
                       {{"requestId", event.request_id},
                        {"functionArn", arn},
                        {"condition", name_of(condition)},
                        {"approximateInvokeCount", event.attempts}}},
                      {"requestPayload", json_or_text(event.payload)}};
  if (answer) {
    json::object response{{"statusCode", 200}, {"executedVersion", answer->executed_version}};
    if (!answer->function_error.empty()) response["functionError"] = answer->function_error;
    record["responseContext"] = std::move(response);
    record["responsePayload"] = json_or_text(answer->payload);
  }
  return json::serialize(record);
}

}  // namespace lambent::invoke
