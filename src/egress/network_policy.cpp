#include "egress/network_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace lambent::egress {
namespace {

constexpr std::string_view kSeparators = ", ";

std::unexpected<Error> refuse(std::string detail) {
  return fail(Error::of("network policy", "", detail));
}

bool is_label(std::string_view label) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, is_allowed);
}

// Labels with dots between them, the last one no number: what looks like an address is never taken for a name.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::string_view last;
  for (std::string_view rest = name;;) {
    const auto dot = rest.find('.');
    last = rest.substr(0, dot);
    if (!is_label(last)) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return std::ranges::any_of(last, [](char c) { return c >= 'a' && c <= 'z'; }) && !last.starts_with("0x");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Result<> add_entry(NetworkPolicy& policy, std::string_view entry) {
  if (entry == "internet") {
    policy.internet = true;
    return {};
  }
  if (entry == "platform" || entry == "none") return refuse(fmt::format("'{}' must stand alone", entry));
  if (const auto range = Cidr::parse(entry)) {
    policy.ranges.push_back(*range);
    return {};
  }
  std::string name = lower(entry);
  const std::string_view below = std::string_view(name).substr(name.starts_with('.') ? 1 : 0);
  // A dot before a single label would be a whole top-level domain.
  const bool is_wide = below.size() != name.size() && below.find('.') == std::string_view::npos;
  if (is_wide || !is_host_name(below)) {
    return refuse(fmt::format(
        "'{}' is none of platform, none, internet, a host name, .domain, an address or a range of addresses", entry));
  }
  policy.names.push_back(std::move(name));
  return {};
}

// Whether `pattern` takes in all that `name` stands for; both may begin with a dot.
bool covers(std::string_view pattern, std::string_view name) {
  if (pattern == name) return true;
  return pattern.starts_with('.') && name.ends_with(pattern) && name.size() > pattern.size();
}

}  // namespace

bool NetworkPolicy::lists_name(std::string_view name) const {
  return std::ranges::any_of(names, [&](const std::string& one) { return covers(one, name); });
}

bool NetworkPolicy::names_address(const IpAddress& address) const {
  return std::ranges::any_of(ranges, [&](const Cidr& one) { return one.contains(address); });
}

Result<NetworkPolicy> parse_network_policy(std::string_view text) {
  NetworkPolicy policy;
  if (text.size() > kPolicyBytes) return refuse("it is longer than 1,024 characters");
  if (text == "platform") return policy;
  policy.platform = text != "none";
  if (!policy.platform) return policy;
  std::size_t entries = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
    const std::string_view entry = text.substr(at, end - at);
    at = end + 1;
    if (entry.empty()) continue;
    if (++entries > kPolicyEntries) return refuse("it has more than 32 entries");
    LAMBENT_TRY_VOID(add_entry(policy, entry));
  }
  if (entries == 0) return refuse("it is empty");
  return policy;
}

Result<> check_granted(const NetworkPolicy& wanted, const NetworkPolicy& granted) {
  if (wanted.internet && !granted.internet) return refuse("'internet' is not granted by this server's operator");
  for (const auto& name : wanted.names) {
    const auto grants = [&](const std::string& one) { return covers(one, name); };
    if (!granted.internet && std::ranges::none_of(granted.names, grants)) {
      return refuse(fmt::format("the host name '{}' is not granted by this server's operator", name));
    }
  }
  for (const auto& range : wanted.ranges) {
    const auto grants = [&](const Cidr& one) { return one.contains(range); };
    const bool is_granted = std::ranges::any_of(granted.ranges, grants);
    if (!is_granted && !(granted.internet && is_wholly_public(range))) {
      return refuse(fmt::format("the range '{}' is not granted by this server's operator", range.text()));
    }
  }
  return {};
}

}  // namespace lambent::egress
