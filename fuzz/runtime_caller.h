// What stands behind a session of a runtime in the fuzz targets: it hands out a call whenever one is waited for, and
// checks that the session keeps to its states.
#pragma once

#include <cstdlib>
#include <string_view>

#include "net/loop.h"
#include "net/one_shot.h"
#include "net/task.h"
#include "runtime_api/session.h"

namespace lambent::fuzz {

inline void check(bool holds) {
  if (!holds) std::abort();
}

// How much an answer may be beyond its payload's limit, and whether the line to the runtime may be lost: both are the
// transport's.
struct Transport {
  const char* request_id;
  std::size_t beyond_payload = 0;
  bool may_be_lost = false;
};

class Caller final : public runtime_api::Observer {
 public:
  Caller(const Limits& limits, Transport transport) : limits_(limits), transport_(transport) {}

  void on_waiting() override {
    check(!is_lost_ && session->state() == runtime_api::Session::State::waiting && answers_ == calls_);
    calls_++;
    session->deliver({.request_id = transport_.request_id,
                      .payload = "{}",
                      .client_context = {},
                      .trace_header = "Root=1-x",
                      .invoked_arn = "arn",
                      .deadline = Wall(std::chrono::milliseconds(1'800'000'000'000))});
  }
  void on_answer(runtime_api::Answer answer) override {
    check(!is_lost_ && ++answers_ == calls_);
    check_answer(answer);
  }
  void on_init_error(runtime_api::Answer error) override {
    check(!is_lost_ && error.is_error && ++init_errors_ == 1 && calls_ == 0);
    check_answer(error);
  }
  void on_lost() override { check(transport_.may_be_lost && !std::exchange(is_lost_, true)); }

  runtime_api::Session* session = nullptr;

 private:
  void check_answer(const runtime_api::Answer& answer) const {
    check(answer.body.size() <= limits_.sync_payload_bytes + transport_.beyond_payload);
    for (const std::string_view text : {std::string_view(answer.error_type), std::string_view(answer.content_type)}) {
      check(text.find_first_of("\r\n") == std::string_view::npos);
    }
  }

  const Limits& limits_;
  const Transport transport_;
  int calls_ = 0;
  int answers_ = 0;
  int init_errors_ = 0;
  bool is_lost_ = false;
};

// Turns of the loop, in which all that was written is read and answered.
inline net::Task<> take_turns(net::Loop& loop) {
  for (int i = 0; i < 60; i++) {
    const net::OneShot<bool> turn;
    loop.post([turn] { turn.set(true); });
    co_await turn;
  }
}

}  // namespace lambent::fuzz
