// What a function that reports item failures says of a batch.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "triggers/stream_source.h"

namespace lambent::triggers {

// How many records of the batch are done: all where the list of failures is empty or missing, none where the answer is
// not what it should be, otherwise those before the first that failed.
std::size_t records_done(std::string_view answer, std::span<const StreamRecord> batch);

}  // namespace lambent::triggers
