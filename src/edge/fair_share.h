// What the peers of one listener may take of what all listeners share: turns of the loop, and memory.
//
// Everything runs on one loop, and a socket that always has more to read would keep it. So work on behalf of a peer
// takes a turn first. A listener has so many in each round of the loop: what is beyond them waits for later rounds,
// behind what others have become ready for meanwhile. And it has so many in each window of time, so that it cannot use
// up the loop either. A peer that sends a large body takes room for it first.
//
// Used on the loop's thread only. Waiting coroutines are resumed in the order in which they came; what they refer to
// must outlive them.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "net/loop.h"

namespace lambent::edge {

class Turns {
 public:
  static constexpr std::chrono::milliseconds kWindow{100};

  // `loop` must outlive every take(). in_a_window 0: without bound.
  Turns(net::Loop& loop, std::size_t in_a_round, std::size_t in_a_window = 0);

  class Awaiter;
  // co_await: at once while the round and the window have turns left, else in a later one.
  Awaiter take();

 private:
  struct State;
  static void use_one(const std::shared_ptr<State>& state);
  static void begin_round(const std::shared_ptr<State>& state);
  static void serve_waiters(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;  // shared with the round that is posted
};

class Turns::Awaiter {
 public:
  explicit Awaiter(const Turns& turns) : turns_(turns) {}
  [[nodiscard]] bool await_ready() const;
  void await_suspend(std::coroutine_handle<> caller) const;
  void await_resume() const {}

 private:
  const Turns& turns_;
};

class Room {
 public:
  // 0 bytes: without bound. `loop` must outlive the room.
  Room(net::Loop& loop, std::size_t bytes) : loop_(loop), bytes_(bytes), free_(bytes) {}

  // Bytes taken, given back at its end.
  class Share {
   public:
    Share() = default;
    Share(Room& room, std::size_t bytes) : room_(&room), bytes_(bytes) {}
    ~Share() { give_back(); }
    Share(Share&& other) noexcept : room_(std::exchange(other.room_, nullptr)), bytes_(other.bytes_) {}
    Share& operator=(Share&& other) noexcept {
      give_back();
      room_ = std::exchange(other.room_, nullptr);
      bytes_ = other.bytes_;
      return *this;
    }

   private:
    void give_back();
    Room* room_ = nullptr;
    std::size_t bytes_ = 0;
  };

  class Awaiter;
  // co_await -> Share: once there is room. More than there is at all counts as all of it. Whoever has a share must not
  // wait for another one.
  Awaiter take(std::size_t bytes);

 private:
  [[nodiscard]] bool try_take(std::size_t bytes);
  void put_back(std::size_t bytes);

  struct Waiter {
    std::coroutine_handle<> caller;
    std::size_t bytes;
  };
  net::Loop& loop_;
  std::size_t bytes_;
  std::size_t free_;
  std::deque<Waiter> waiters_;
};

class Room::Awaiter {
 public:
  Awaiter(Room& room, std::size_t bytes) : room_(room), bytes_(bytes) {}
  [[nodiscard]] bool await_ready() { return room_.try_take(bytes_); }
  void await_suspend(std::coroutine_handle<> caller) { room_.waiters_.push_back({caller, bytes_}); }
  [[nodiscard]] Share await_resume() { return {room_, bytes_}; }

 private:
  Room& room_;
  std::size_t bytes_;
};

}  // namespace lambent::edge
