#include "triggers/record_queue.h"

#include <iterator>
#include <utility>

namespace lambent::triggers {

std::size_t RecordQueue::next_size(std::int64_t border_ms) const {
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const auto& each : waiting_) {
    bytes += each.record.json.size() + 1;
    const bool fits = count < batches_.records && bytes <= batches_.bytes && each.record.arrived_ms < border_ms;
    if (count > 0 && !fits) break;
    count++;
  }
  return count;
}

bool RecordQueue::is_ready(Monotonic now, std::int64_t border_ms, bool is_complete) const {
  if (waiting_.empty()) return false;
  if (is_closed_ || is_complete || now >= ready_at()) return true;
  const std::size_t size = next_size(border_ms);
  return size >= batches_.records || size < waiting_.size();
}

std::vector<StreamRecord> RecordQueue::take(std::int64_t border_ms) {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(next_size(border_ms));
  std::vector<StreamRecord> batch;
  batch.reserve(static_cast<std::size_t>(end - waiting_.begin()));
  for (auto each = waiting_.begin(); each != end; ++each) batch.push_back(std::move(each->record));
  waiting_.erase(waiting_.begin(), end);
  return batch;
}

}  // namespace lambent::triggers
