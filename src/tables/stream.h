// Streams of tables: every change of an item, in the order in which the changes took effect, for 24 hours.
//
// A record is written in the same batch as the change it tells of, so it is there exactly if the change is. A stream
// has one shard, so records of one key (and of all others) are in order. It outlives its table by the 24 hours.
//
// Stored in the space `streams`: stream id (8 bytes) | sequence number (8 bytes), big-endian; what streams there are
// stands in `tables_meta`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/key_value_store.h"
#include "tables/error.h"
#include "tables/schema.h"

namespace lambent::tables {

inline constexpr std::int64_t kRecordsKept_ms = 24 * 60 * 60 * 1000;

struct StreamDefinition {
  std::uint64_t id = 0;  // from the same numbers as tables' ids, never used again
  std::string table;
  std::string label;  // unique among the streams of one table name; part of the ARN
  StreamView view = StreamView::keys_only;
  KeySchema key;
  std::int64_t created_ms = 0;
};

// A stream as the running engine holds it. `next` and `closed` are written by the writer's thread only.
struct Stream {
  explicit Stream(StreamDefinition what) : definition(std::move(what)) {}
  const StreamDefinition definition;
  std::atomic<std::uint64_t> next{1};      // sequence number of the next record
  std::atomic<std::uint64_t> first{1};     // records before it are gone
  std::atomic<std::int64_t> closed_ms{0};  // 0: it still takes records
};
using StreamPtr = std::shared_ptr<Stream>;

struct StreamRecord {
  enum class Kind : std::uint8_t { insert, modify, remove };
  std::uint64_t sequence = 0;
  Kind kind = Kind::insert;
  std::int64_t at_ms = 0;
  bool by_service = false;  // an item that expired
  Item keys;
  std::optional<Item> old_image;  // as the view has it
  std::optional<Item> new_image;
  std::size_t size_bytes = 0;  // keys and images
};

std::string encode_stream(const StreamDefinition& stream, std::uint64_t first, std::int64_t closed_ms);
struct StoredStream {
  StreamDefinition definition;
  std::uint64_t first = 1;
  std::int64_t closed_ms = 0;
};
Result<StoredStream> decode_stream(std::string_view bytes);

std::string encode_record(const StreamRecord& record);
Result<StreamRecord> decode_record(std::string_view bytes, std::uint64_t sequence);

// Keys in the spaces tables_meta and streams.
inline constexpr std::string_view kStreams = "s/";
std::string stream_meta_key(std::uint64_t stream);
std::string record_prefix(std::uint64_t stream);
std::string record_key(std::uint64_t stream, std::uint64_t sequence);
std::uint64_t sequence_of(std::string_view record_key);

// Records from `from` on, at most `limit` and about a megabyte.
TablesResult<std::vector<StreamRecord>> read_records(const store::Snapshot& snapshot, const Stream& stream,
                                                     std::uint64_t from, std::size_t limit);

}  // namespace lambent::tables
