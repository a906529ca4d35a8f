// An answer on its way from a function to its caller, while the function still makes it. Little of it is held: where
// the caller is slow, the function waits in its write.
//
// The two ends live apart: the runtime's connection may be cut while the caller still reads, and the caller may hang up
// while the function still writes. Used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/one_shot.h"
#include "net/task.h"

namespace lambent::runtime_api {

class AnswerStream {
 public:
  // `limit`: bytes that the function may send. `room`: bytes held before its write waits.
  explicit AnswerStream(std::uint64_t limit, std::size_t room = std::size_t{256} * 1024) : limit_(limit), room_(room) {}
  AnswerStream(const AnswerStream&) = delete;
  AnswerStream& operator=(const AnswerStream&) = delete;

  // The function's end.
  void begin(std::string content_type);
  // False, and nothing is taken, where this would be more than the limit. Waits while there is no room.
  net::Task<bool> put(std::string_view piece);
  // The call is over, however it ended: nothing more comes. Idempotent.
  void close();

  // The caller's end. What has come since the last time; nothing at the end. One at a time.
  net::Task<std::optional<std::string>> take();
  // Nobody reads any more: what still comes is dropped, and the function does not wait for it.
  void abandon();

  // Whether the function streams its answer: decided once take() gave something.
  [[nodiscard]] bool has_begun() const { return has_begun_; }
  [[nodiscard]] std::uint64_t limit() const { return limit_; }
  [[nodiscard]] const std::string& content_type() const { return content_type_; }

 private:
  static void wake(std::optional<net::OneShot<bool>>& who);

  std::uint64_t limit_;
  std::size_t room_;
  std::uint64_t passed_ = 0;
  std::string content_type_;
  std::string held_;
  bool has_begun_ = false;
  bool is_closed_ = false;
  bool is_abandoned_ = false;
  std::optional<net::OneShot<bool>> reader_;
  std::optional<net::OneShot<bool>> writer_;
};

}  // namespace lambent::runtime_api
