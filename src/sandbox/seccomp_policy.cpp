// The text form of a filter: see policies/seccomp/function.policy.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

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

Result<SeccompRule> rule_of(std::string_view line, const std::string& where) {
  const auto refuse = [&](std::string_view why) { return fail(Error::of("parse seccomp policy", where, why)); };
  const auto colon = line.find(" : ");
  if (colon == std::string_view::npos) return refuse("no reason");
  SeccompRule rule;
  rule.reason = line.substr(colon + 3);
  if (words_of(rule.reason).empty()) return refuse("no reason");
  const auto words = words_of(line.substr(0, colon));
  if (words.size() < 2) return refuse("no system call");
  const auto error = error_named(words[0]);
  if (!error) return refuse("neither allow nor a known error");
  rule.error = *error;
  rule.call = words[1];
  if (words.size() == 2) return rule;
  if (words[2] != "if") return refuse("expected if");
  std::span<const std::string_view> rest(words);
  rest = rest.subspan(3);
  while (true) {
    const auto end = static_cast<std::size_t>(std::ranges::find(rest, "and") - rest.begin());
    const auto condition = condition_of(rest.first(end));
    if (!condition) return refuse("not a condition");
    rule.conditions.push_back(*condition);
    if (end == rest.size()) return rule;
    rest = rest.subspan(end + 1);
  }
}

}  // namespace

Result<std::vector<SeccompRule>> parse_seccomp_policy(std::string_view text) {
  std::vector<SeccompRule> rules;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words_of(line).empty() || line[0] == '#') continue;
    LAMBENT_TRY(auto rule, rule_of(line, "line " + std::to_string(number)));
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace lambent::sandbox
