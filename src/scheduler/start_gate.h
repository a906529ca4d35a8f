// A bound on how many instances of the whole server start at the same time. Askers are served in turn, so that a burst
// of one function does not keep the others from starting.
//
// Starting more interpreters at once than the machine has cores makes each of them slower and none of them earlier; a
// burst is served by the first ones that are ready. Used on the loop's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>

#include "scheduler/pool.h"

namespace lambent::scheduler {

class BoundedStartGate final : public StartGate {
 public:
  explicit BoundedStartGate(std::size_t at_once) : at_once_(at_once) {}

  void ask(const void* asker, std::function<void()> go) override {
    auto line = std::ranges::find(lines_, asker, &Line::asker);
    if (line == lines_.end()) line = lines_.insert(lines_.end(), Line{asker, {}});
    line->waiting.push_back(std::move(go));
    let_in();
  }
  void done() override {
    inside_--;
    let_in();
  }
  [[nodiscard]] std::size_t inside() const { return inside_; }

 private:
  struct Line {
    const void* asker;
    std::deque<std::function<void()>> waiting;
  };

  void let_in() {
    // A go() may end at once and come back here through done(): the outermost call does all the work.
    if (letting_in_) return;
    letting_in_ = true;
    while (inside_ < at_once_ && !lines_.empty()) {
      Line line = std::move(lines_.front());
      lines_.pop_front();
      const auto go = std::move(line.waiting.front());
      line.waiting.pop_front();
      if (!line.waiting.empty()) lines_.push_back(std::move(line));
      inside_++;
      go();
    }
    letting_in_ = false;
  }

  std::size_t at_once_;
  std::size_t inside_ = 0;
  bool letting_in_ = false;
  std::deque<Line> lines_;  // whose turn is next is first; never an empty line
};

}  // namespace lambent::scheduler
