// Unpredictable bytes behind an interface, and the identifiers made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lambent {

// Thread safety: implementations may be used from every thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;

  // RFC 9562 version 4, lower case: "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".
  std::string uuid();
  // 2 * `bytes` lower-case hexadecimal digits.
  std::string hex(std::size_t bytes);
  // `length` characters drawn evenly from `alphabet` (2 to 256 characters).
  std::string text(std::size_t length, std::string_view alphabet);
  // Even over [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
};

// getrandom(2): for keys, tokens and identifiers.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

// Repeatable, for tests only. Not thread-safe.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed = 1) : state_(seed) {}
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t state_;
};

}  // namespace lambent
