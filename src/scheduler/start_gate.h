// A bound on how many instances of the whole server start at the same time. Askers are served in turn, so that a burst
// of one function does not keep the others from starting.
//
// Starting more interpreters at once than the machine has cores makes each of them slower and none of them earlier; a
// burst is served by the first ones that are ready. But a start that is slow mostly waits, for what its INIT asks of
// others: it gives its place to the next one after kUsualStart, and counts only in its function's part, half of the
// places, and in what may start in all, kMostStarts times the places. Used on the loop's thread only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "base/clock.h"
#include "net/loop.h"
#include "net/timer.h"
#include "scheduler/pool.h"

namespace lambent::scheduler {

inline constexpr std::chrono::milliseconds kUsualStart{500};  // more than interpreters take that import a large SDK
inline constexpr std::size_t kMostStarts = 4;  // times the places: should all be slow for want of processors after all

class BoundedStartGate final : public StartGate {
 public:
  // `loop`, `clock` must outlive it.
  BoundedStartGate(net::Loop& loop, const Clock& clock, std::size_t places)
      : clock_(clock), places_(places), next_slow_(loop) {}

  void ask(const void* asker, std::function<void(Start)> go) override {
    auto line = std::ranges::find(lines_, asker, &Line::asker);
    if (line == lines_.end()) line = lines_.insert(lines_.end(), Line{asker, {}});
    line->waiting.push_back(std::move(go));
    let_in();
  }
  void done(Start start) override {
    inside_.erase(start);
    let_in();
  }
  [[nodiscard]] std::size_t inside() const { return inside_.size(); }

 private:
  struct Line {
    const void* asker;
    std::deque<std::function<void(Start)>> waiting;
  };
  struct Inside {
    const void* asker;
    Monotonic since;
  };

  [[nodiscard]] bool may_enter(const void* asker) const {
    const auto of_asker = std::ranges::count_if(inside_, [&](const auto& one) { return one.second.asker == asker; });
    return static_cast<std::size_t>(of_asker) < (places_ + 1) / 2;
  }
  // Starts that hold a place. The latest ones: they are in the order in which they came.
  [[nodiscard]] std::size_t holding(Monotonic now) const {
    const auto holds = [&](const auto& one) { return now - one.second.since < kUsualStart; };
    return static_cast<std::size_t>(std::distance(std::ranges::find_if(inside_, holds), inside_.end()));
  }

  void let_in() {
    // A go() may end at once and come back here through done(): the outermost call does all the work.
    if (letting_in_) return;
    letting_in_ = true;
    while (holding(clock_.monotonic()) < places_ && inside_.size() < kMostStarts * places_) {
      const auto next = std::ranges::find_if(lines_, [&](const Line& line) { return may_enter(line.asker); });
      if (next == lines_.end()) break;
      Line line = std::move(*next);
      lines_.erase(next);
      const auto go = std::move(line.waiting.front());
      line.waiting.pop_front();
      const Start start = next_start_++;
      inside_.emplace(start, Inside{line.asker, clock_.monotonic()});
      if (!line.waiting.empty()) lines_.push_back(std::move(line));
      go(start);
    }
    letting_in_ = false;
    look_again();
  }

  // When the next one that holds a place is slow, if somebody waits.
  void look_again() {
    const Monotonic now = clock_.monotonic();
    const std::size_t holds = holding(now);
    if (lines_.empty() || holds == 0) return next_slow_.cancel();
    const auto first = std::prev(inside_.end(), static_cast<std::ptrdiff_t>(holds));
    next_slow_.arm(first->second.since + kUsualStart - now, [this] { let_in(); });
  }

  const Clock& clock_;
  std::size_t places_;
  net::Timer next_slow_;
  std::map<Start, Inside> inside_;
  Start next_start_ = 1;
  bool letting_in_ = false;
  std::deque<Line> lines_;  // whose turn is next is first; never an empty line
};

}  // namespace lambent::scheduler
