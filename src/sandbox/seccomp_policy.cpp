// The text form of a filter: see policies/seccomp/common.policy.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <set>

#include "sandbox/seccomp.h"

namespace lambent::sandbox {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) return words;
    text.remove_prefix(start);
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::optional<int> error_named(std::string_view name) {
  if (name == "allow") return 0;
  if (name == "EPERM") return EPERM;
  if (name == "ENOSYS") return ENOSYS;
  if (name == "EAFNOSUPPORT") return EAFNOSUPPORT;
  if (name == "EPROTONOSUPPORT") return EPROTONOSUPPORT;
  if (name == "EOPNOTSUPP") return EOPNOTSUPP;
  return std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  const bool is_hex = text.starts_with("0x");
  if (is_hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "arg0 == 1" or "arg0 & 0xff == 1"
std::optional<SeccompCondition> condition_of(std::span<const std::string_view> words) {
  SeccompCondition condition;
  const bool is_masked = words.size() == 5 && words[1] == "&";
  if (!is_masked && words.size() != 3) return std::nullopt;
  if (words[0].size() != 4 || !words[0].starts_with("arg") || words[0][3] < '0' || words[0][3] > '5')
    return std::nullopt;
  condition.argument = static_cast<unsigned>(words[0][3] - '0');
  if (words[words.size() - 2] != "==") return std::nullopt;
  const auto value = number_of(words.back());
  const auto mask = is_masked ? number_of(words[2]) : std::optional<std::uint64_t>(~0ULL);
  if (!value || !mask || (*value & ~*mask) != 0) return std::nullopt;
  condition.mask = *mask;
  condition.value = *value;
  return condition;
}

std::unexpected<Error> refuse(const std::string& where, std::string_view why) {
  return fail(Error::of("parse seccomp policy", where, why));
}

Result<SeccompRule> rule_of(std::span<const std::string_view> words, std::string_view reason,
                            const std::string& where) {
  if (words.size() < 2) return refuse(where, "no system call");
  const auto error = error_named(words[0]);
  if (!error) return refuse(where, "neither allow nor a known error");
  SeccompRule rule{*error, std::string(words[1]), {}, std::string(reason), ""};
  if (words.size() == 2) return rule;
  if (words[2] != "if") return refuse(where, "expected if");
  std::span<const std::string_view> rest = words.subspan(3);
  while (true) {
    const auto end = static_cast<std::size_t>(std::ranges::find(rest, "and") - rest.begin());
    const auto condition = condition_of(rest.first(end));
    if (!condition) return refuse(where, "not a condition");
    rule.conditions.push_back(*condition);
    if (end == rest.size()) return rule;
    rest = rest.subspan(end + 1);
  }
}

// What one parse has come to: policies that were included, and the rules of all.
struct Reading {
  std::set<std::string, std::less<>> included;
  std::vector<SeccompRule> rules;
};

Result<> read_policy(Reading& reading, std::string_view text, const std::string& policy);

Result<> read_included(Reading& reading, std::span<const std::string_view> words, const std::string& where) {
  if (words.size() != 2) return refuse(where, "expected the name of a policy");
  const auto text = seccomp_policy_text(words[1]);
  if (!text) return refuse(where, "no such policy");
  const std::string name(words[1]);
  if (!reading.included.insert(name).second) return {};
  return read_policy(reading, *text, name);
}

Result<> read_policy(Reading& reading, std::string_view text, const std::string& policy) {
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words_of(line).empty() || line[0] == '#') continue;
    const std::string where = (policy.empty() ? "" : policy + " ") + "line " + std::to_string(number);
    const auto colon = line.find(" : ");
    if (colon == std::string_view::npos || words_of(line.substr(colon + 3)).empty()) return refuse(where, "no reason");
    const auto words = words_of(line.substr(0, colon));
    if (!words.empty() && words[0] == "include") {
      LAMBENT_TRY_VOID(read_included(reading, words, where));
      continue;
    }
    LAMBENT_TRY(auto rule, rule_of(words, line.substr(colon + 3), where));
    rule.policy = policy;
    reading.rules.push_back(std::move(rule));
  }
  return {};
}

}  // namespace

Result<std::vector<SeccompRule>> parse_seccomp_policy(std::string_view text) {
  Reading reading;
  LAMBENT_TRY_VOID(read_policy(reading, text, ""));
  return std::move(reading.rules);
}

std::string_view seccomp_policy_name(SeccompProfile profile) {
  switch (profile) {
    case SeccompProfile::python:
      return "python";
    case SeccompProfile::nodejs:
      return "nodejs";
    case SeccompProfile::java:
      return "java";
    case SeccompProfile::ruby:
      return "ruby";
    case SeccompProfile::provided:
      break;
  }
  return "provided";
}

}  // namespace lambent::sandbox
