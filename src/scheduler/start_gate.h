// A bound on how many instances of the whole server start at the same time, served in the order of asking.
//
// Starting more interpreters at once than the machine has cores makes each of them slower and none of them earlier; a
// burst is served by the first ones that are ready. Used on the loop's thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>

#include "scheduler/pool.h"

namespace lambent::scheduler {

class BoundedStartGate final : public StartGate {
 public:
  explicit BoundedStartGate(std::size_t at_once) : at_once_(at_once) {}

  void ask(std::function<void()> go) override {
    waiting_.push_back(std::move(go));
    let_in();
  }
  void done() override {
    inside_--;
    let_in();
  }
  [[nodiscard]] std::size_t inside() const { return inside_; }

 private:
  void let_in() {
    // A go() may end at once and come back here through done(): the outermost call does all the work.
    if (letting_in_) return;
    letting_in_ = true;
    while (inside_ < at_once_ && !waiting_.empty()) {
      const auto go = std::move(waiting_.front());
      waiting_.pop_front();
      inside_++;
      go();
    }
    letting_in_ = false;
  }

  std::size_t at_once_;
  std::size_t inside_ = 0;
  bool letting_in_ = false;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace lambent::scheduler
