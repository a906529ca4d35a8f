// How far a shard is done with while records of it are with the function at the same time: up to the last record before
// which none is undone. What is kept as the shard's position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace lambent::triggers {

class ReadProgress {
 public:
  // All up to `position`, a sequence number or empty, is done with.
  explicit ReadProgress(std::string position) : position_(std::move(position)) {}

  // The next record that was read; its place among all that were.
  std::uint64_t add(std::string sequence);
  void done(std::uint64_t place);
  [[nodiscard]] const std::string& position() const { return position_; }
  // Records that are read and not behind the position.
  [[nodiscard]] std::size_t ahead() const { return records_.size(); }

 private:
  struct Record {
    std::string sequence;
    bool is_done = false;
  };
  std::string position_;
  std::deque<Record> records_;
  std::uint64_t first_ = 0;  // place of the first of records_
};

}  // namespace lambent::triggers
