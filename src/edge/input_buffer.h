// Bytes that were received and not yet taken: one block of memory, filled at the back, taken from the front.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace lambent::edge {

class InputBuffer {
 public:
  static constexpr std::size_t kInitialBytes = 4096;

  [[nodiscard]] std::string_view data() const { return {block_.get() + begin_, end_ - begin_}; }

  // Room for at least `bytes` more, as much as there is. Moves the data: earlier views of it are invalid.
  std::span<char> space(std::size_t bytes) {
    if (capacity_ - end_ < bytes) make_room(bytes);
    return {block_.get() + end_, capacity_ - end_};
  }
  void added(std::size_t bytes) { end_ += bytes; }

  void take(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  // Gives back the memory of an exceptional request; to call where a long wait may follow.
  void shrink() {
    if (begin_ != end_ || capacity_ <= kKeptBytes) return;
    block_.reset();
    capacity_ = 0;
  }

 private:
  static constexpr std::size_t kKeptBytes = 32 * 1024;

  void make_room(std::size_t bytes) {
    const std::size_t held = end_ - begin_;
    if (capacity_ - held >= bytes) {
      std::memmove(block_.get(), block_.get() + begin_, held);
    } else {
      const std::size_t grown = std::max({kInitialBytes, capacity_ * 2, held + bytes});
      auto block = std::make_unique_for_overwrite<char[]>(grown);
      if (held > 0) std::memcpy(block.get(), block_.get() + begin_, held);
      block_ = std::move(block);
      capacity_ = grown;
    }
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace lambent::edge
