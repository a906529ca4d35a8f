#include "runtime_api/frames.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <utility>

namespace lambent::runtime_api {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kHeadBytes = 12;
// No id or type of a client of ours is longer: an error type is cut to it.
constexpr std::size_t kTextBytes = 1024;
constexpr std::uint8_t kWaiting = 1;
// Taken for a body before its bytes have come.
constexpr std::size_t kFirstBodyBytes = 64 * kKiB;

template <class Number>
void append_number(std::string& out, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class Number>
Number number_at(const char* at) {
  Number value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint16_t size_of(std::string_view text) {
  return static_cast<std::uint16_t>(text.size());
}

// Headers are bounded far below this where they come in; what is longer all the same is left out, not cut.
std::string_view fitting(std::string_view text) {
  return text.size() <= UINT16_MAX ? text : std::string_view();
}

std::unexpected<Error> no_frame(std::string_view why) {
  return fail(Error::of("read frame", "runtime line", why));
}

// It goes into headers and into lines of the log.
bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool has_id(FrameKind kind) {
  return kind == FrameKind::response || kind == FrameKind::error || kind == FrameKind::stream_begin;
}

}  // namespace

void append_invocation_head(std::string& out, const Invocation& invocation) {
  const auto deadline = std::chrono::floor<std::chrono::milliseconds>(invocation.deadline.time_since_epoch()).count();
  const std::string_view id = fitting(invocation.request_id);
  const std::string_view trace = fitting(invocation.trace_header);
  const std::string_view arn = fitting(invocation.invoked_arn);
  append_number(out, static_cast<std::uint32_t>(invocation.payload.size()));
  append_number(out, static_cast<std::uint32_t>(invocation.client_context.size()));
  append_number(out, static_cast<std::int64_t>(deadline));
  for (const std::uint16_t size : {size_of(id), size_of(trace), size_of(arn)}) append_number(out, size);
  for (int unused = 0; unused < 3; ++unused) append_number(out, std::uint16_t{0});
  out.append(id).append(trace).append(arn).append(invocation.client_context);
}

// The rest of a body goes straight to its place; an unwanted one is read over.
bool FrameReader::is_body_direct() const {
  return within_ && begin_ == end_ && !frame_.is_too_large;
}

std::span<char> FrameReader::space() {
  if (is_body_direct()) {
    if (frame_.body.size() == have_) grow();
    return std::span(frame_.body).subspan(have_);
  }
  if (begin_ == end_) begin_ = end_ = 0;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  return std::span(buffer_).subspan(end_);
}

void FrameReader::added(std::size_t bytes) {
  if (is_body_direct()) {
    have_ += bytes;
  } else {
    end_ += bytes;
  }
}

void FrameReader::grow() {
  const std::size_t size = std::min(body_bytes_, std::max(kFirstBodyBytes, 2 * have_));
  // libstdc++ 12 tells the callback the new capacity, not the size that was asked for.
  frame_.body.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
}

Result<std::optional<Frame>> FrameReader::next() {
  if (!within_) {
    LAMBENT_TRY(const bool is_there, take_head());
    if (!is_there) return std::nullopt;
  }
  take_body();
  if (have_ < body_bytes_) return std::nullopt;
  within_ = false;
  return std::exchange(frame_, {});
}

// Head, id and type, which fit in the buffer together.
Result<bool> FrameReader::take_head() {
  if (end_ - begin_ < kHeadBytes) return false;
  const char* head = buffer_.data() + begin_;
  const auto kind = static_cast<std::uint8_t>(head[0]);
  const auto flags = static_cast<std::uint8_t>(head[1]);
  const auto id_bytes = number_at<std::uint16_t>(head + 2);
  const auto type_bytes = number_at<std::uint16_t>(head + 4);
  const auto body_bytes = number_at<std::uint32_t>(head + 8);
  if (kind < static_cast<std::uint8_t>(FrameKind::waiting) || kind > static_cast<std::uint8_t>(FrameKind::stream_end)) {
    return no_frame("unknown kind");
  }
  if (flags > kWaiting || number_at<std::uint16_t>(head + 6) != 0) return no_frame("unknown flags");
  if (id_bytes > kTextBytes || type_bytes > kTextBytes) return no_frame("id or type too long");
  frame_.kind = FrameKind{kind};
  if (has_id(frame_.kind) != (id_bytes > 0)) return no_frame("id");
  const bool is_bare = frame_.kind == FrameKind::waiting;
  if (is_bare && (flags != kWaiting || type_bytes > 0 || body_bytes > 0)) return no_frame("more than the flag");
  if (end_ - begin_ < kHeadBytes + id_bytes + type_bytes) return false;
  frame_.is_waiting = flags == kWaiting;
  frame_.id.assign(head + kHeadBytes, id_bytes);
  frame_.type.assign(head + kHeadBytes + id_bytes, type_bytes);
  if (!is_printable(frame_.type)) return no_frame("type");
  frame_.is_too_large = body_bytes > body_limit_;
  begin_ += kHeadBytes + id_bytes + type_bytes;
  body_bytes_ = body_bytes;
  have_ = 0;
  within_ = true;
  return true;
}

void FrameReader::take_body() {
  const std::size_t taken = std::min(end_ - begin_, body_bytes_ - have_);
  if (!frame_.is_too_large && taken > 0) frame_.body.append(buffer_.data() + begin_, taken);
  begin_ += taken;
  have_ += taken;
}

}  // namespace lambent::runtime_api
