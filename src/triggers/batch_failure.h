// What the on-failure destination of an event source mapping is told of a batch that is given up.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/clock.h"
#include "invoke/invoker.h"
#include "triggers/stream_source.h"

namespace lambent::triggers {

struct BatchFailure {
  std::string function_arn;
  std::string condition;  // RetryAttemptsExhausted, RecordAgeExceeded
  std::uint32_t attempts = 0;
  std::string info_member;
  std::string stream_arn;
  std::string shard;
  Wall time;
};

// The record, as JSON: the place of the records in the stream, not the records. `answer` is null where the function was
// not called.
std::string batch_failure_record(const BatchFailure& failure, std::span<const StreamRecord> records,
                                 const invoke::Answer* answer);

}  // namespace lambent::triggers
