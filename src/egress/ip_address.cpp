#include "egress/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace lambent::egress {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct SpecialRange {
  const char* range;
  const char* what;
};

// The first match counts.
constexpr SpecialRange kSpecial[] = {{"169.254.169.254/32", "the address of a metadata service"},
                                     {"168.63.129.16/32", "the address of a metadata service"},    // Azure
                                     {"100.100.100.200/32", "the address of a metadata service"},  // Alibaba Cloud
                                     {"0.0.0.0/8", "an address of this host"},
                                     {"10.0.0.0/8", "a private address"},
                                     {"100.64.0.0/10", "a private address"},  // shared by carriers
                                     {"127.0.0.0/8", "a loopback address"},
                                     {"169.254.0.0/16", "a link-local address"},
                                     {"172.16.0.0/12", "a private address"},
                                     {"192.0.0.0/24", "a reserved address"},  // protocol assignments
                                     {"192.0.2.0/24", "a reserved address"},  // documentation
                                     {"192.88.99.0/24", "an IPv4 address inside an IPv6 address"},  // relays of 6to4
                                     {"192.168.0.0/16", "a private address"},
                                     {"198.18.0.0/15", "a private address"},     // benchmarks
                                     {"198.51.100.0/24", "a reserved address"},  // documentation
                                     {"203.0.113.0/24", "a reserved address"},   // documentation
                                     {"224.0.0.0/4", "a multicast address"},
                                     {"240.0.0.0/4", "a reserved address"},  // and the broadcast address
                                     {"::/128", "an address of this host"},
                                     {"::1/128", "a loopback address"},
                                     {"::/96", "an IPv4 address inside an IPv6 address"},            // v4-compatible
                                     {"64:ff9b::/96", "an IPv4 address inside an IPv6 address"},     // NAT64
                                     {"64:ff9b:1::/48", "an IPv4 address inside an IPv6 address"},   // NAT64, local
                                     {"::ffff:0:0:0/96", "an IPv4 address inside an IPv6 address"},  // SIIT
                                     {"2002::/16", "an IPv4 address inside an IPv6 address"},        // 6to4
                                     {"2001::/32", "an IPv4 address inside an IPv6 address"},        // Teredo
                                     {"2001::/23", "a reserved address"},      // protocol assignments
                                     {"2001:db8::/32", "a reserved address"},  // documentation
                                     {"3fff::/20", "a reserved address"},      // documentation
                                     {"fd00:ec2::254/128", "the address of a metadata service"},  // AWS
                                     {"fd20:ce::254/128", "the address of a metadata service"},   // Google Cloud
                                     {"fc00::/7", "a private address"},
                                     {"fe80::/10", "a link-local address"},
                                     {"fec0::/10", "a private address"},  // site-local
                                     {"ff00::/8", "a multicast address"}};

struct ParsedRange {
  Cidr range;
  const char* what;
};

const auto& special_ranges() {
  static const auto kParsed = [] {
    std::array<ParsedRange, std::size(kSpecial)> parsed{};
    for (std::size_t i = 0; i < parsed.size(); ++i) parsed[i] = {*Cidr::parse(kSpecial[i].range), kSpecial[i].what};
    return parsed;
  }();
  return kParsed;
}

// An interface identifier of ISATAP (RFC 5214) carries an IPv4 address behind any prefix.
bool is_isatap(const IpAddress& address) {
  const auto& bytes = address.full();
  return (bytes[8] & 0xfcU) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(copy.data(), text.size());
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, copy.data(), four.data()) == 1) return v4(four);
  IpAddress address;
  if (inet_pton(AF_INET6, copy.data(), address.bytes_.data()) == 1) return address;
  return std::nullopt;
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
  IpAddress address;
  std::ranges::copy(kMapped, address.bytes_.begin());
  std::ranges::copy(bytes, address.bytes_.begin() + 12);
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress address;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::of(const sockaddr_storage& address) {
  IpAddress out;
  if (address.ss_family == AF_INET) {
    std::array<std::uint8_t, 4> four{};
    std::memcpy(four.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, four.size());
    return v4(four);
  }
  if (address.ss_family == AF_INET6) {
    std::memcpy(out.bytes_.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, out.bytes_.size());
  }
  return out;
}

bool IpAddress::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

std::span<const std::uint8_t> IpAddress::bytes() const {
  return is_v4() ? std::span(bytes_).subspan(12) : std::span(bytes_);
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes().data(), out.data(), out.size());
  return out.data();
}

std::string IpAddress::text(std::uint16_t port) const {
  const std::string where = is_v4() ? text() : "[" + text() + "]";
  return where + ":" + std::to_string(port);
}

socklen_t IpAddress::write_to(sockaddr_storage& address, std::uint16_t port) const {
  address = {};
  if (is_v4()) {
    auto& four = reinterpret_cast<sockaddr_in&>(address);
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&four.sin_addr, bytes().data(), 4);
    return sizeof four;
  }
  auto& six = reinterpret_cast<sockaddr_in6&>(address);
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  std::memcpy(&six.sin6_addr, bytes_.data(), bytes_.size());
  return sizeof six;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  Cidr range;
  range.base_ = *base;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const bool is_four = base->is_v4() && text.substr(0, slash).find(':') == std::string_view::npos;
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool has_zero = digits.size() > 1 && digits[0] == '0';
    if (error != std::errc() || end != digits.data() + digits.size() || has_zero) return std::nullopt;
    if (bits > (is_four ? 32U : 128U)) return std::nullopt;
    range.bits_ = is_four ? bits + 96 : bits;
  }
  for (unsigned bit = range.bits_; bit < 128; ++bit) {
    if ((range.base_.full()[bit / 8] >> (7 - bit % 8) & 1U) != 0) return std::nullopt;
  }
  return range;
}

bool Cidr::contains(const IpAddress& address) const {
  // A range of IPv6 that is wide enough to hold the mapped form does not mean IPv4 with it.
  if (bits_ < 96 && address.is_v4()) return false;
  const auto& one = base_.full();
  const auto& other = address.full();
  const unsigned whole = bits_ / 8;
  if (!std::equal(one.begin(), one.begin() + whole, other.begin())) return false;
  const unsigned rest = bits_ % 8;
  return rest == 0 || (one[whole] ^ other[whole]) >> (8 - rest) == 0;
}

bool Cidr::contains(const Cidr& other) const {
  return bits_ <= other.bits_ && contains(other.base_);
}

std::string Cidr::text() const {
  const bool is_four = base_.is_v4() && bits_ >= 96;
  return base_.text() + "/" + std::to_string(is_four ? bits_ - 96 : bits_);
}

const char* why_not_public(const IpAddress& address) {
  for (const auto& [range, what] : special_ranges()) {
    if (range.contains(address)) return what;
  }
  if (address.is_v4()) return nullptr;
  if (is_isatap(address)) return "an IPv4 address inside an IPv6 address";
  return (address.full()[0] & 0xe0U) == 0x20 ? nullptr : "a reserved address";
}

bool is_wholly_public(const Cidr& range) {
  const bool is_four = range.text().find(':') == std::string::npos;
  static const Cidr kUnicast = *Cidr::parse("2000::/3");
  if (!is_four && !kUnicast.contains(range)) return false;
  return std::ranges::none_of(special_ranges(), [&](const ParsedRange& one) { return one.range.overlaps(range); });
}

}  // namespace lambent::egress
