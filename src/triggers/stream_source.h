// What the event source engine needs of a source whose records have an order: streams of tables, later others. (Queues
// will have an interface of their own: their records are taken and given back, not read past.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "net/task.h"

namespace lambent::triggers {

struct StreamRecord {
  std::string sequence;         // SequenceNumber: what a function reports as failed, what a position is made of
  std::string json;             // one element of the event's "Records"
  std::int64_t arrived_ms = 0;  // since the epoch
  std::uint64_t key_hash = 0;   // of what it is about, a table's item: records of one key keep their order
  std::uint64_t place = 0;      // among those read of its shard; the reader's
};

struct StreamShard {
  std::string id;
  std::string parent;  // is read to its end first; empty, or no longer there, where there is none
};

enum class StreamStart : std::uint8_t { trim_horizon, latest };

struct StreamRead {
  std::vector<StreamRecord> records;
  bool is_end = false;  // the shard is closed, and these are its last
};

struct StreamFailure {
  bool is_gone = false;  // the stream is not there any more
  std::string message;
};

template <class T>
using StreamResult = std::expected<T, StreamFailure>;

// Implementations may do their work on any thread; they are called, and answer, on the loop's.
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  // "DDBStreamBatchInfo": the member of a failure's record that says which batch it was.
  [[nodiscard]] virtual std::string_view batch_info_member() const = 0;
  [[nodiscard]] virtual bool takes(std::string_view arn) const = 0;
  virtual net::Task<StreamResult<std::vector<StreamShard>>> shards(std::string arn) = 0;
  // A position before which nothing is read: a sequence number, or empty for the oldest record there is.
  virtual net::Task<StreamResult<std::string>> position(std::string arn, std::string shard, StreamStart start) = 0;
  // Records after that sequence number, oldest first; what was trimmed meanwhile is left out.
  virtual net::Task<StreamResult<StreamRead>> read(std::string arn, std::string shard, std::string after,
                                                   std::size_t limit) = 0;
};

}  // namespace lambent::triggers
