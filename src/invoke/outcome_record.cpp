#include "invoke/outcome_record.h"

#include <boost/json.hpp>
#include <tuple>

#include "base/time_format.h"

namespace lambent::invoke {
namespace {

namespace json = boost::json;

// The text as it is where it is JSON: read and written again, numbers would change. Else, as a string: answers of
// functions need not be JSON.
std::string json_or_text(std::string_view text) {
  constexpr std::size_t kDepth = 512;  // deeper is a string too
  json::parse_options options;
  options.max_depth = kDepth;
  boost::system::error_code failed;
  std::ignore = json::parse(json::string_view(text.data(), text.size()), failed, {}, options);
  if (!failed) return std::string(text);
  return json::serialize(json::string(json::string_view(text.data(), text.size())));
}

void add_member(std::string& record, std::string_view name, std::string_view value) {
  record.pop_back();  // the object goes on
  record.append(",\"").append(name).append("\":").append(value).push_back('}');
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
  const json::object record{{"version", "1.0"},
                            {"timestamp", format_iso_millis(time)},
                            {"requestContext",
                             {{"requestId", event.request_id},
                              {"functionArn", arn},
                              {"condition", name_of(condition)},
                              {"approximateInvokeCount", event.attempts}}}};
  auto text = json::serialize(record);
  add_member(text, "requestPayload", json_or_text(event.payload));
  if (!answer) return text;
  json::object response{{"statusCode", 200}, {"executedVersion", answer->executed_version}};
  if (!answer->function_error.empty()) response["functionError"] = answer->function_error;
  add_member(text, "responseContext", json::serialize(response));
  add_member(text, "responsePayload", json_or_text(answer->payload));
  return text;
}

}  // namespace lambent::invoke
