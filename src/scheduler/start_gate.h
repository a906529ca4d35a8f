// A bound on how many instances of the whole server start at the same time. Askers are served in turn, so that a burst
// of one function does not keep the others from starting; and none takes more than half of the places, so that starts
// that hang do not either.
//
// Starting more interpreters at once than the machine has cores makes each of them slower and none of them earlier; a
// burst is served by the first ones that are ready. Used on the loop's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>

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
  void done(const void* asker) override {
    inside_--;
    const auto of = inside_of_.find(asker);
    if (--of->second == 0) inside_of_.erase(of);
    let_in();
  }
  [[nodiscard]] std::size_t inside() const { return inside_; }

 private:
  struct Line {
    const void* asker;
    std::deque<std::function<void()>> waiting;
  };

  [[nodiscard]] bool may_enter(const void* asker) const {
    const auto of = inside_of_.find(asker);
    return of == inside_of_.end() || of->second < (at_once_ + 1) / 2;
  }

  void let_in() {
    // A go() may end at once and come back here through done(): the outermost call does all the work.
    if (letting_in_) return;
    letting_in_ = true;
    while (inside_ < at_once_) {
      const auto next = std::ranges::find_if(lines_, [&](const Line& line) { return may_enter(line.asker); });
      if (next == lines_.end()) break;
      Line line = std::move(*next);
      lines_.erase(next);
      const auto go = std::move(line.waiting.front());
      line.waiting.pop_front();
      if (!line.waiting.empty()) lines_.push_back(std::move(line));
      inside_++;
      inside_of_[line.asker]++;
      go();
    }
    letting_in_ = false;
  }

  std::size_t at_once_;
  std::size_t inside_ = 0;
  std::map<const void*, std::size_t> inside_of_;  // each asker's part of it; never 0
  bool letting_in_ = false;
  std::deque<Line> lines_;  // whose turn is next is first; never an empty line
};

}  // namespace lambent::scheduler
