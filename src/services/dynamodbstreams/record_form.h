// Streams and their records as the Streams API says them; functions get the same from event source mappings.
#pragma once

#include <string>

#include "protocol/dynamodbstreams/types.h"
#include "tables/stream.h"

namespace lambent::services::dynamodbstreams {

// The one shard that a stream has.
std::string shard_id(const tables::Stream& stream);

protocol::dynamodbstreams::Record record_of(const tables::Stream& stream, const tables::StreamRecord& record,
                                            const std::string& region);

}  // namespace lambent::services::dynamodbstreams
