// What destinations hear of an asynchronous call that has come to its end.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "invoke/event.h"
#include "invoke/invoker.h"

namespace lambent::invoke {

enum class Condition { success, retries_exhausted, age_exceeded, loop_detected };

// The record, as JSON. `answer` is null where the function did not answer.
std::string outcome_record(const Event& event, std::string_view qualifier, Condition condition, const Answer* answer,
                           Wall time);

}  // namespace lambent::invoke
