// A bound on what runs at the same time, shared in turns between those who ask, whatever the number of their asks.
// Used on the loop's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "net/loop.h"
#include "net/one_shot.h"
#include "net/task.h"

namespace lambent::invoke {

class Turns {
 public:
  Turns(net::Loop& loop, std::size_t at_once) : loop_(loop), at_once_(at_once) {}

  // Waits for a turn; true is followed by one leave(). False after close().
  net::Task<bool> enter(std::string asker) {
    if (closed_) co_return false;
    if (inside_ < at_once_ && lines_.empty()) {
      inside_++;
      co_return true;
    }
    auto line = std::ranges::find(lines_, asker, &Line::asker);
    if (line == lines_.end()) line = lines_.insert(lines_.end(), Line{std::move(asker), {}});
    const net::OneShot<bool> turn;
    line->waiting.push_back(turn);
    co_return co_await turn;
  }
  void leave() {
    inside_--;
    if (!lines_.empty() && inside_ < at_once_) {
      inside_++;
      wake(true);
    }
  }
  // Wakes all who wait, with false.
  void close() {
    closed_ = true;
    while (!lines_.empty()) wake(false);
  }

 private:
  struct Line {
    std::string asker;
    std::deque<net::OneShot<bool>> waiting;
  };

  void wake(bool with) {
    Line line = std::move(lines_.front());
    lines_.pop_front();
    const auto turn = line.waiting.front();
    line.waiting.pop_front();
    if (!line.waiting.empty()) lines_.push_back(std::move(line));
    loop_.post([turn, with] { turn.set(with); });
  }

  net::Loop& loop_;
  std::size_t at_once_;
  std::size_t inside_ = 0;
  bool closed_ = false;
  std::deque<Line> lines_;  // whose turn is next is first; never an empty line
};

}  // namespace lambent::invoke
