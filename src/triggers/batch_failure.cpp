#include "triggers/batch_failure.h"

#include <boost/json.hpp>

#include "base/time_format.h"

namespace lambent::triggers {

std::string batch_failure_record(const BatchFailure& failure, std::span<const StreamRecord> records,
                                 const invoke::Answer* answer) {
  namespace json = boost::json;
  const auto time_of = [](const StreamRecord& record) {
    return format_iso_millis(Wall(std::chrono::milliseconds(record.arrived_ms)));
  };
  json::object context{{"functionArn", failure.function_arn},
                       {"condition", failure.condition},
                       {"approximateInvokeCount", failure.attempts}};
  json::object record{{"version", "1.0"}, {"timestamp", format_iso_millis(failure.time)}};
  if (answer) {
    context["requestId"] = answer->request_id;
    json::object response{{"statusCode", 200}, {"executedVersion", answer->executed_version}};
    if (!answer->function_error.empty()) response["functionError"] = answer->function_error;
    record["responseContext"] = std::move(response);
  }
  record["requestContext"] = std::move(context);
  record[failure.info_member] = {{"shardId", failure.shard},
                                 {"startSequenceNumber", records.front().sequence},
                                 {"endSequenceNumber", records.back().sequence},
                                 {"approximateArrivalOfFirstRecord", time_of(records.front())},
                                 {"approximateArrivalOfLastRecord", time_of(records.back())},
                                 {"batchSize", records.size()},
                                 {"streamArn", failure.stream_arn}};
  return json::serialize(record);
}

}  // namespace lambent::triggers
