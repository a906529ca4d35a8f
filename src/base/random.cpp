#include "base/random.h"

#include <sys/random.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/encoding.h"

namespace lambent {

std::string Random::uuid() {
  std::array<std::byte, 16> raw{};
  fill(raw);
  raw[6] = (raw[6] & std::byte{0x0f}) | std::byte{0x40};
  raw[8] = (raw[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string digits = hex_encode(raw);
  for (std::size_t at : {8U, 13U, 18U, 23U}) digits.insert(at, 1, '-');
  return digits;
}

std::string Random::hex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  fill(std::as_writable_bytes(std::span(raw)));
  return hex_encode(std::as_bytes(std::span(raw)));
}

std::string Random::text(std::size_t length, std::string_view alphabet) {
  assert(alphabet.size() >= 2 && alphabet.size() <= 256);
  std::string out(length, '\0');
  for (char& c : out) c = alphabet[below(alphabet.size())];
  return out;
}

std::uint64_t Random::below(std::uint64_t bound) {
  assert(bound > 0);
  // Draws from the top partial range are thrown away: taking them modulo the bound would favour small values.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    std::uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    if (value < limit) return value % bound;
  }
}

namespace {

void ask_kernel(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      std::abort();  // no randomness means no safe key: there is nothing sensible left to do
    }
    out = out.subspan(static_cast<std::size_t>(n));
  }
}

// What identifiers take is asked for ahead: a call needs three of them. Bytes that were given out are wiped.
class Reserve {
 public:
  static constexpr std::size_t kLargest = 32;

  void take(std::span<std::byte> out) {
    if (bytes_.size() - used_ < out.size()) {
      ask_kernel(bytes_);
      used_ = 0;
    }
    std::memcpy(out.data(), bytes_.data() + used_, out.size());
    explicit_bzero(bytes_.data() + used_, out.size());
    used_ += out.size();
  }

 private:
  std::array<std::byte, 1024> bytes_{};
  std::size_t used_ = bytes_.size();
};

}  // namespace

// A thread has its own reserve, so nothing is locked. Processes that draw do not fork: the server starts others by
// exec.
void SystemRandom::fill(std::span<std::byte> out) {
  thread_local Reserve reserve;
  if (out.size() <= Reserve::kLargest) return reserve.take(out);
  ask_kernel(out);
}

void FakeRandom::fill(std::span<std::byte> out) {
  for (std::byte& b : out) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    b = static_cast<std::byte>(state_ >> 56U);
  }
}

}  // namespace lambent
