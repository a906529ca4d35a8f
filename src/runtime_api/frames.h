// What goes over a runtime line: the stream socket between an instance and Lambent's own runtime client in it, in place
// of HTTP. Binary, little-endian, one frame after the other; nothing is answered but by the next frame that fits.
//
// To the runtime, one frame a call. A head of 28 bytes:
//
//     0  u32 bytes of the payload          16  u16 bytes of the request id       24  u16 of the tenant id
//     4  u32 bytes of the client context   18  u16 of the trace header           26  u16 0
//     8  i64 deadline, ms since 1970       20  u16 of the invoked ARN
//                                          22  u16 of the Cognito identity
//
// then request id, trace header, ARN, identity, tenant id, client context, payload, one after the other.
//
// From the runtime, a head of 12 bytes:
//
//     0  u8 kind   1  u8 flags (1: the runtime waits for its next call)   2  u16 bytes of the id
//     4  u16 bytes of the type                6  u16 0                    8  u32 bytes of the body
//
// then id, type, body. What they are for each kind: FrameKind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime_api/session.h"

namespace lambent::runtime_api {

enum class FrameKind : std::uint8_t {
  waiting = 1,       // INIT, or the work after an answer, is done; nothing but the flag, which must be set
  response = 2,      // id, content type, the answer
  error = 3,         // id, error type, error object
  init_error = 4,    // no id; error type, error object: of INIT, or of a restore
  stream_begin = 5,  // id, content type, the first bytes of an answer in parts
  stream_part = 6,   // the next bytes
  stream_end = 7,    // no type: the answer is whole; error type and error object: it failed on the way
};

struct Frame {
  FrameKind kind = FrameKind::waiting;
  bool is_waiting = false;
  std::string id;
  std::string type;
  std::string body;
  bool is_too_large = false;  // the body was over the limit, and thrown away
};

// The call but its payload, which is to follow.
void append_invocation_head(std::string& out, const Invocation& invocation);

// Cuts frames out of what an untrusted runtime sends. Holds no more than a frame within its limits, and memory for a
// body only as its bytes arrive.
class FrameReader {
 public:
  explicit FrameReader(std::size_t body_limit) : body_limit_(body_limit) {}

  // Where the next bytes of the line belong. Never empty after next() gave nothing.
  [[nodiscard]] std::span<char> space();
  // So many bytes were put at the front of space().
  void added(std::size_t bytes);
  // The next whole frame; nothing: it needs more bytes; an error: the line holds no frame, and never will again.
  [[nodiscard]] Result<std::optional<Frame>> next();
  // Whether a frame has begun and not ended.
  [[nodiscard]] bool is_within() const { return within_ || begin_ < end_; }

 private:
  static constexpr std::size_t kBufferBytes = 4096;

  [[nodiscard]] bool is_body_direct() const;
  [[nodiscard]] Result<bool> take_head();
  void take_body();
  void grow();

  std::size_t body_limit_;
  std::array<char, kBufferBytes> buffer_;
  std::size_t begin_ = 0;  // of what is in the buffer and not yet taken
  std::size_t end_ = 0;
  bool within_ = false;  // the head of frame_ has been taken
  Frame frame_;
  std::size_t body_bytes_ = 0;  // as announced
  std::size_t have_ = 0;        // of them
};

}  // namespace lambent::runtime_api
