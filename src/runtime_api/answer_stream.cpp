#include "runtime_api/answer_stream.h"

#include <utility>

namespace lambent::runtime_api {

void AnswerStream::wake(std::optional<net::OneShot<bool>>& who) {
  if (const auto waiting = std::exchange(who, std::nullopt)) waiting->set(true);
}

void AnswerStream::begin(std::string content_type) {
  has_begun_ = true;
  content_type_ = std::move(content_type);
}

net::Task<bool> AnswerStream::put(std::string_view piece) {
  if (piece.size() > limit_ - passed_) co_return false;
  passed_ += piece.size();
  if (is_closed_ || is_abandoned_) co_return true;
  held_.append(piece);
  wake(reader_);
  while (held_.size() > room_ && !is_closed_ && !is_abandoned_) {
    const auto mine = writer_.emplace();
    co_await mine;
  }
  co_return true;
}

void AnswerStream::close() {
  is_closed_ = true;
  wake(writer_);
  wake(reader_);
}

net::Task<std::optional<std::string>> AnswerStream::take() {
  while (held_.empty() && !is_closed_) {
    const auto mine = reader_.emplace();
    co_await mine;
  }
  if (held_.empty()) co_return std::nullopt;
  std::string piece = std::exchange(held_, {});
  wake(writer_);
  co_return piece;
}

void AnswerStream::abandon() {
  is_abandoned_ = true;
  held_.clear();
  wake(writer_);
}

}  // namespace lambent::runtime_api
