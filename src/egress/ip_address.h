// Numeric addresses of both families, ranges of them, and what kind each is.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lambent::egress {

// IPv4 is kept as ::ffff:a.b.c.d, so that an address has one form however it was written or received.
class IpAddress {
 public:
  IpAddress() = default;  // ::
  // Only the forms of inet_pton(3): dotted decimal with four parts, or IPv6 without a zone.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
  static IpAddress v6(std::span<const std::uint8_t, 16> bytes);
  // Of a sockaddr_in or sockaddr_in6.
  static IpAddress of(const sockaddr_storage& address);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] std::span<const std::uint8_t> bytes() const;  // 4 or 16, in network order
  [[nodiscard]] const std::array<std::uint8_t, 16>& full() const { return bytes_; }
  [[nodiscard]] std::string text() const;
  // "10.0.0.1:80", "[2001:db8::1]:80".
  [[nodiscard]] std::string text(std::uint16_t port) const;
  // The length of the sockaddr that was written.
  socklen_t write_to(sockaddr_storage& address, std::uint16_t port) const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// All addresses that begin with the same bits.
class Cidr {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or an address alone. Bits after the prefix must be 0, so that a range is written in
  // one way and nobody means another one than is read.
  static std::optional<Cidr> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool contains(const Cidr& other) const;
  [[nodiscard]] bool overlaps(const Cidr& other) const { return contains(other) || other.contains(*this); }
  [[nodiscard]] std::string text() const;

 private:
  IpAddress base_;
  unsigned bits_ = 128;  // of the 128-bit form
};

// Why an address is not part of the public internet, in words for a log line: "a private address", "a link-local
// address", "an IPv4 address inside an IPv6 address", ... Null where it is public.
// Sources: IANA's special-purpose address registries (RFC 6890 and successors); RFC 4291 (of IPv6 only 2000::/3 is
// handed out); the fixed addresses of clouds' metadata services.
const char* why_not_public(const IpAddress& address);

// Whether no address of the range is special.
bool is_wholly_public(const Cidr& range);

}  // namespace lambent::egress
