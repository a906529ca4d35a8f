// Messages of the domain name system (RFC 1035, RFC 6891), as far as a forwarder needs them: questions are read and
// written, of answers only addresses are taken out. Nothing of a message is trusted: every length is checked, and
// compressed names only ever point backwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "egress/ip_address.h"

namespace lambent::egress {

inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kTypeCname = 5;
inline constexpr std::uint16_t kTypeAaaa = 28;
inline constexpr std::uint16_t kTypeOpt = 41;
inline constexpr std::size_t kDnsBytes = 4096;       // the longest message that is taken or given
inline constexpr std::uint16_t kDnsUdpBytes = 1232;  // fits one packet on every way

enum class Rcode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  no_such_name = 3,
  not_implemented = 4,
  refused = 5,
};

using DnsBytes = std::vector<std::uint8_t>;

struct DnsQuestion {
  std::uint16_t id = 0;
  std::string name;  // lower case, no dot at its end; letters, digits, '-', '_' and '.' only
  std::uint16_t type = 0;
  DnsBytes wire;  // the question section as it came: answers repeat it
  bool wants_recursion = false;
  std::optional<std::uint16_t> udp_bytes;  // what the asker takes (EDNS), at least 512
};

struct DnsProblem {
  std::uint16_t id = 0;
  Rcode rcode = Rcode::format_error;
};

// A query with exactly one question of class IN. Of what is no query at all there is no problem to tell: nullopt.
std::expected<DnsQuestion, std::optional<DnsProblem>> parse_query(std::span<const std::uint8_t> message);

// With recursion wanted and, where `with_edns`, room for answers of kDnsUdpBytes.
DnsBytes build_query(std::uint16_t id, const DnsQuestion& question, bool with_edns);

struct DnsAddress {
  IpAddress address;
  std::uint32_t ttl = 0;  // seconds; the least of the chain that led to it
};

struct DnsAnswer {
  Rcode rcode = Rcode::no_error;
  bool is_truncated = false;
  std::vector<DnsAddress> addresses;  // of the question's type, at the end of its chain of aliases; at most 64
};

// Nothing where it is no answer to this question with this id.
std::optional<DnsAnswer> parse_answer(std::span<const std::uint8_t> message, std::uint16_t id,
                                      const DnsQuestion& question);

// Addresses that do not fit `limit` bytes are left out, and the answer is marked as truncated.
DnsBytes build_answer(const DnsQuestion& question, Rcode rcode, std::span<const DnsAddress> addresses,
                      std::size_t limit);
// To a message that could not be read.
DnsBytes build_refusal(const DnsProblem& problem);

}  // namespace lambent::egress
