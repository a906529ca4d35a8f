#include <cassert>
#include <cerrno>
#include <optional>
#include <utility>

#include "edge/fair_share.h"
#include "edge/http_limits.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "runtime_api/frames.h"
#include "runtime_api/session.h"

namespace lambent::runtime_api {
namespace {

class LineSession final : public Session {
 public:
  LineSession(net::Loop& loop, net::Stream line, Observer& observer, const Limits& limits)
      : loop_(loop), line_(std::move(line)), observer_(observer), limits_(limits), frames_(limits.sync_payload_bytes) {
    reading_.spawn(listen());
  }

  void deliver(Invocation invocation) override;
  std::optional<Invocation> take_undelivered() override { return std::exchange(undelivered_, std::nullopt); }
  void stop() override;
  net::Task<> stopped() override;
  [[nodiscard]] State state() const override { return state_; }

 private:
  net::Task<> listen();
  net::Task<Result<>> read_some();
  net::Task<> hand_over(Invocation invocation);
  [[nodiscard]] bool take_frames();
  [[nodiscard]] bool take(Frame frame);
  [[nodiscard]] bool begin_answer(const Frame& frame);
  [[nodiscard]] bool end_answer(bool is_waiting);
  void become_waiting();
  void add_part(Frame& frame);
  net::Task<> pass_on();
  [[nodiscard]] Answer error_of(Frame frame) const;

  net::Loop& loop_;
  net::Stream line_;
  Observer& observer_;
  const Limits& limits_;
  FrameReader frames_;
  State state_ = State::starting;
  std::string request_id_;                // in flight
  std::optional<Answer> answer_;          // being received in parts
  std::optional<Invocation> sent_;        // the call in flight, until it is answered
  std::shared_ptr<AnswerStream> stream_;  // of that call, where its caller takes a stream
  std::string to_pass_;                   // the part that has come, and is to go there before the next frame is taken
  std::optional<Invocation> undelivered_;
  std::string head_;                  // of the frame that is written; kept for its capacity
  std::optional<edge::Turns> turns_;  // once a body did not come at once
  bool stopping_ = false;
  net::Scope reading_;
  net::Scope writing_;
};

void LineSession::deliver(Invocation invocation) {
  assert(state_ == State::waiting);
  state_ = State::busy;
  request_id_ = invocation.request_id;
  stream_ = invocation.stream;
  writing_.spawn(hand_over(std::move(invocation)));
}

net::Task<> LineSession::hand_over(Invocation invocation) {
  head_.clear();
  append_invocation_head(head_, invocation);
  const bool is_sent = (co_await line_.write_all(head_, invocation.payload)).has_value();
  if (state_ == State::busy) (is_sent ? sent_ : undelivered_) = std::move(invocation);
}

void LineSession::stop() {
  stopping_ = true;
  line_.close();
}

net::Task<> LineSession::stopped() {
  stop();
  co_await writing_.join();
  co_await reading_.join();
}

net::Task<> LineSession::listen() {
  // Not from inside the constructor: the observer does not know the session yet.
  const net::OneShot<bool> begun;
  loop_.post([begun] { begun.set(true); });
  co_await begun;
  while (!stopping_) {
    const auto read = co_await read_some();
    // The kernel's word for an end of the line at which the runtime has left something unread. It reads a call whole
    // before it runs it, so it has not run this one.
    if (!read && read.error().code == ECONNRESET && state_ == State::busy) undelivered_ = std::exchange(sent_, {});
    bool is_good = read && take_frames();
    while (is_good && !to_pass_.empty()) {
      co_await pass_on();
      is_good = take_frames();
    }
    if (!is_good) break;
  }
  if (stopping_) co_return;
  line_.close();
  observer_.on_lost();
}

// What an answer brings beyond its first bytes takes turns with what others send.
net::Task<Result<>> LineSession::read_some() {
  if (frames_.is_within() || answer_) {
    static constexpr auto kShare = edge::HttpLimits::patient;
    if (!turns_) turns_.emplace(loop_, kShare().turns_in_a_round, kShare().turns_in_a_window);
    co_await turns_->take();
  }
  const auto n = co_await line_.read_some(frames_.space());
  if (!n) co_return std::unexpected(n.error());
  if (*n == 0) co_return fail(Error::of("read", "runtime line", "its end"));
  frames_.added(*n);
  co_return Result<>();
}

// False where the line is of no more use.
bool LineSession::take_frames() {
  while (!stopping_ && to_pass_.empty()) {
    auto frame = frames_.next();
    if (!frame) return false;
    if (!*frame) return true;
    if (!take(**std::move(frame))) return false;
  }
  return true;
}

bool LineSession::take(Frame frame) {
  switch (frame.kind) {
    case FrameKind::waiting:
      if (state_ != State::starting && state_ != State::answered) return false;
      become_waiting();
      return true;
    case FrameKind::init_error:
      if (state_ != State::starting || frame.is_waiting) return false;
      state_ = State::failed;
      observer_.on_init_error(error_of(std::move(frame)));
      return true;
    case FrameKind::response:
    case FrameKind::error:
      if (!begin_answer(frame)) return false;
      add_part(frame);
      return end_answer(frame.is_waiting);
    case FrameKind::stream_begin:
      if (frame.is_waiting || !begin_answer(frame)) return false;
      sent_.reset();  // it has run: no other instance may have it
      if (stream_) stream_->begin(answer_->content_type);
      add_part(frame);
      return true;
    case FrameKind::stream_part:
      if (frame.is_waiting || !answer_) return false;
      add_part(frame);
      return true;
    case FrameKind::stream_end: {
      if (!answer_) return false;
      const bool is_waiting = frame.is_waiting;
      if (!frame.type.empty()) {
        answer_ = error_of(std::move(frame));
      }
      return end_answer(is_waiting);
    }
  }
  return false;
}

bool LineSession::begin_answer(const Frame& frame) {
  if (state_ != State::busy || answer_ || writing_.running() > 0 || frame.id != request_id_) return false;
  answer_.emplace();
  answer_->is_one_frame = frame.kind != FrameKind::stream_begin;
  answer_->is_error = frame.kind == FrameKind::error;
  (answer_->is_error ? answer_->error_type : answer_->content_type) = frame.type;
  if (answer_->is_error) answer_->content_type = "application/json";
  return true;
}

// Over the limit it is replaced by the error that says so; what follows is thrown away.
void LineSession::add_part(Frame& frame) {
  if (answer_->error_type == kResponseTooLarge) return;
  if (stream_ && stream_->has_begun() && !frame.is_too_large) {
    to_pass_ = std::move(frame.body);
    return;
  }
  if (frame.is_too_large || answer_->body.size() + frame.body.size() > limits_.sync_payload_bytes) {
    answer_ = too_large_answer(limits_.sync_payload_bytes);
  } else if (answer_->body.empty()) {
    answer_->body = std::move(frame.body);
  } else {
    answer_->body += frame.body;
  }
}

// Where the caller is slow, no further frame is read, and the function waits in its write.
net::Task<> LineSession::pass_on() {
  const auto part = std::exchange(to_pass_, {});
  const auto to = stream_;
  if (!co_await to->put(part) && answer_) answer_ = too_large_answer(to->limit());
}

Answer LineSession::error_of(Frame frame) const {
  if (frame.is_too_large) return too_large_answer(limits_.sync_payload_bytes);
  return {.is_error = true,
          .body = std::move(frame.body),
          .content_type = "application/json",
          .error_type = std::move(frame.type)};
}

bool LineSession::end_answer(bool is_waiting) {
  state_ = State::answered;
  sent_.reset();
  Answer whole = *std::exchange(answer_, std::nullopt);
  stream_.reset();
  observer_.on_answer(std::move(whole));
  if (is_waiting && !stopping_) become_waiting();
  return true;
}

void LineSession::become_waiting() {
  state_ = State::waiting;
  observer_.on_waiting();
}

}  // namespace

std::unique_ptr<Session> make_line_session(net::Loop& loop, net::Stream line, Observer& observer,
                                           const Limits& limits) {
  return std::make_unique<LineSession>(loop, std::move(line), observer, limits);
}

}  // namespace lambent::runtime_api
