#include "egress/name_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "egress/decision.h"

namespace lambent::egress {
namespace {

constexpr std::uint16_t kFirstMetaType = 128;  // transfers, ANY and the like: RFC 6895
constexpr std::uint16_t kLastMetaType = 255;

bool is_below(std::string_view name, std::string_view domain) {
  return name == domain ||
         (name.ends_with(domain) && name.size() > domain.size() && name[name.size() - domain.size() - 1] == '.');
}

// Names that say something of this host or its network and nothing of the internet: addresses turned around (PTR), and
// those that RFC 6761, RFC 6762 and RFC 9476 keep from the public tree.
bool is_inner(std::string_view name) {
  constexpr std::string_view kInner[] = {"arpa", "localhost", "local", "internal", "invalid", "home", "lan", "corp"};
  return name.find('.') == std::string_view::npos ||
         std::ranges::any_of(kInner, [&](std::string_view domain) { return is_below(name, domain); });
}

DnsBytes cut_off(DnsBytes answer) {
  answer[2] |= 0x02U;
  return answer;
}

}  // namespace

net::Task<std::optional<DnsBytes>> NameService::answer(DnsBytes message, bool is_datagram) {
  const auto question = parse_query(message);
  if (!question && !question.error()) co_return std::nullopt;
  if (!question) co_return build_refusal(*question.error());
  const std::size_t room = std::min<std::size_t>(question->udp_bytes.value_or(512), kDnsUdpBytes);
  const std::size_t limit = is_datagram ? room : kDnsBytes;
  const bool is_allowed = policy_.lists_name(question->name) || (policy_.internet && !is_inner(question->name));
  if (!is_allowed) {
    notices_.refused(fmt::format("the name {}", question->name), "not in its network policy");
    co_return build_answer(*question, Rcode::no_such_name, {}, limit);
  }
  if (question->type == kTypeA || question->type == kTypeAaaa) co_return co_await answer_addresses(*question, limit);
  const bool is_meta = question->type >= kFirstMetaType && question->type <= kLastMetaType;
  // A list of names is for connecting to them: other records would only carry data past it.
  if (!policy_.internet || is_meta) co_return build_answer(*question, Rcode::no_error, {}, limit);
  co_return co_await pass_on(*question, limit);
}

net::Task<DnsBytes> NameService::answer_addresses(const DnsQuestion& question, std::size_t limit) {
  const auto message = co_await outside_.resolver.ask(question, true);
  if (!message) {
    notices_.failed(fmt::format("the name {}", question.name), message.error().message());
    co_return build_answer(question, Rcode::server_failure, {}, limit);
  }
  // ask() gives only what can be read.
  const DnsAnswer answer =
      *parse_answer(*message, static_cast<std::uint16_t>((*message)[0] << 8U | (*message)[1]), question);
  if (answer.rcode != Rcode::no_error) co_return build_answer(question, answer.rcode, {}, limit);
  const auto allowed = allowed_of(question, answer);
  for (const auto& [address, ttl] : allowed) learned_.learn(address, ttl, outside_.clock.monotonic());
  co_return build_answer(question, Rcode::no_error, allowed, limit);
}

std::vector<DnsAddress> NameService::allowed_of(const DnsQuestion& question, const DnsAnswer& answer) {
  std::vector<DnsAddress> allowed;
  for (const auto& one : answer.addresses) {
    if (const char* why = why_not_an_answer(policy_, outside_.denied, outside_.routes, one.address)) {
      notices_.refused(fmt::format("{} of the name {}", one.address.text(), question.name), why);
      continue;
    }
    // A program would try an IPv6 address first, and on a host without IPv6 only wait for it to fail.
    if (!one.address.is_v4() && outside_.routes.to(one.address) == HostRoute::none) continue;
    allowed.push_back(one);
  }
  return allowed;
}

net::Task<DnsBytes> NameService::pass_on(const DnsQuestion& question, std::size_t limit) {
  auto message = co_await outside_.resolver.ask(question, question.udp_bytes.has_value());
  if (!message) co_return build_answer(question, Rcode::server_failure, {}, limit);
  if (message->size() > limit) co_return cut_off(build_answer(question, Rcode::no_error, {}, limit));
  (*message)[0] = static_cast<std::uint8_t>(question.id >> 8U);
  (*message)[1] = static_cast<std::uint8_t>(question.id);
  co_return *std::move(message);
}

}  // namespace lambent::egress
