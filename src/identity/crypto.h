// SHA-256 and HMAC-SHA-256 with the algorithms looked up once: OpenSSL 3 spends more time on the look-up than on a
// short message.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace lambent::identity {

using Digest = std::array<std::byte, 32>;

// Thread safety: none; each thread has its own.
class Crypto {
 public:
  // Aborts where OpenSSL has no SHA-256: nothing of this program could work.
  Crypto();
  ~Crypto();
  Crypto(Crypto&&) noexcept;
  Crypto& operator=(Crypto&&) noexcept;

  [[nodiscard]] Digest sha256(std::string_view bytes);
  [[nodiscard]] std::string sha256_hex(std::string_view bytes);
  [[nodiscard]] Digest hmac(std::span<const std::byte> key, std::string_view message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of secrets that are no longer needed; unlike other writes before an end it is not optimised away.
void overwrite(std::span<std::byte> secret);

// The one-off form, callable from every thread.
std::string sha256_hex(std::string_view bytes);

// Takes the same time wherever the texts differ; only their lengths show.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace lambent::identity
