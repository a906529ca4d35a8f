#include "triggers/read_progress.h"

namespace lambent::triggers {

std::uint64_t ReadProgress::add(std::string sequence) {
  records_.push_back({.sequence = std::move(sequence)});
  return first_ + records_.size() - 1;
}

void ReadProgress::done(std::uint64_t place) {
  records_.at(place - first_).is_done = true;
  while (!records_.empty() && records_.front().is_done) {
    position_ = std::move(records_.front().sequence);
    records_.pop_front();
    first_++;
  }
}

}  // namespace lambent::triggers
