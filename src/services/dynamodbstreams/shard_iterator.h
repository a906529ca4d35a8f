// A client's place in a stream, as the opaque text that it hands back: stream, next sequence number, when it was made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lambent::services::dynamodbstreams {

// As at DynamoDB, an iterator is good for this long.
inline constexpr std::int64_t kIteratorLives_ms = 15 * 60 * 1000;

struct ShardIterator {
  std::string stream_arn;
  std::uint64_t next = 1;
  std::int64_t made_ms = 0;
};

std::string to_text(const ShardIterator& iterator);
std::optional<ShardIterator> parse_shard_iterator(std::string_view text);

// Sequence numbers on the wire have at least 21 digits and sort as texts.
std::string sequence_text(std::uint64_t sequence);
std::optional<std::uint64_t> parse_sequence(std::string_view text);

struct StreamName {
  std::string table;
  std::string label;
};
// Of arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/stream/LABEL.
std::optional<StreamName> parse_stream_arn(std::string_view arn);

}  // namespace lambent::services::dynamodbstreams
