#include "store/key_value_store.h"

#include <iterator>
#include <utility>

namespace lambent::store {

void WriteBatch::put(Space space, std::string_view key, std::string_view value) {
  size_bytes_ += key.size() + value.size();
  changes_.push_back({space, std::string(key), std::string(value)});
}

void WriteBatch::remove(Space space, std::string_view key) {
  size_bytes_ += key.size();
  changes_.push_back({space, std::string(key), std::nullopt});
}

void WriteBatch::append(WriteBatch&& other) {
  size_bytes_ += std::exchange(other.size_bytes_, 0);
  changes_.insert(changes_.end(), std::make_move_iterator(other.changes_.begin()),
                  std::make_move_iterator(other.changes_.end()));
  other.changes_.clear();
}

void WriteBatch::clear() {
  changes_.clear();
  size_bytes_ = 0;
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace lambent::store
