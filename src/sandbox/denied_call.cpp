#include "sandbox/denied_call.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <vector>

#include "sandbox/seccomp.h"

namespace lambent::sandbox {
namespace {

#if defined(__aarch64__)
constexpr std::uint32_t kNative = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kNative = AUDIT_ARCH_X86_64;
#endif

// The value of " name=value"; a number of that base and nothing else.
template <class Number>
std::optional<Number> number_field(std::string_view text, std::string_view name, int base) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view value = text.substr(at + name.size());
  value = value.substr(0, value.find_first_of(" \n"));
  if (base == 16 && value.starts_with("0x")) value.remove_prefix(2);
  Number number{};
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number, base);
  if (failure != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return number;
}

std::string call_name(std::int64_t number) {
  if (number < 0 || number > 0xffff) return fmt::format("call {}", number);
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number)), std::free);
  return name ? std::string(name.get()) : fmt::format("call {}", number);
}

// Each error that the call may get, by its rules; the record does not tell the arguments.
std::vector<std::string> errors_of(const std::vector<SeccompRule>& rules) {
  std::vector<std::string> errors;
  const auto add = [&](int error) {
    const std::string name = strerrorname_np(error);
    if (std::ranges::count(errors, name) == 0) errors.push_back(name);
  };
  bool is_decided = false;
  for (const auto& rule : rules) {
    if (rule.error != 0) add(rule.error);
    is_decided = is_decided || rule.conditions.empty();
  }
  if (!is_decided) add(ENOSYS);
  return errors;
}

}  // namespace

std::optional<DeniedCall> parse_audit_record(std::string_view text) {
  const auto uid = number_field<std::uint32_t>(text, " uid=", 10);
  const auto architecture = number_field<std::uint32_t>(text, " arch=", 16);
  const auto number = number_field<std::int64_t>(text, " syscall=", 10);
  const auto action = number_field<std::uint32_t>(text, " code=", 16);
  if (!uid || !architecture || !number || !action) return std::nullopt;
  const std::uint32_t kind = *action & SECCOMP_RET_ACTION_FULL;
  const bool is_killed = kind == SECCOMP_RET_KILL_PROCESS || kind == SECCOMP_RET_KILL_THREAD;
  if (!is_killed && kind != SECCOMP_RET_ERRNO) return std::nullopt;
  return DeniedCall{*uid, *number, *architecture == kNative, is_killed};
}

Result<Refusals> Refusals::of_policies() {
  Refusals refusals;
  for (std::size_t i = 0; i < kSeccompProfiles; ++i) {
    const auto policy = seccomp_policy_name(static_cast<SeccompProfile>(i));
    LAMBENT_TRY(const auto rules, parse_seccomp_policy(seccomp_policy_text(policy).value_or("")));
    std::map<std::string, std::vector<SeccompRule>> by_call;
    for (const auto& rule : rules) by_call[rule.call].push_back(rule);
    auto& answers = refusals.by_policy_[std::string(policy)];
    for (const auto& [call, of_call] : by_call) {
      const auto& first = of_call.front();
      const bool is_plain = of_call.size() == 1 && first.error != 0 && first.conditions.empty();
      answers[call] = {fmt::format("{}", fmt::join(errors_of(of_call), " or ")), is_plain ? first.reason : ""};
    }
  }
  return refusals;
}

const Refusals::Refusal* Refusals::find(std::string_view policy, std::string_view call) const {
  const auto of_policy = by_policy_.find(policy);
  if (of_policy == by_policy_.end()) return nullptr;
  const auto found = of_policy->second.find(call);
  return found == of_policy->second.end() ? nullptr : &found->second;
}

DeniedCallText Refusals::describe(const DeniedCall& call, SeccompProfile profile) const {
  DeniedCallText text{call.is_native ? call_name(call.number) : fmt::format("32-bit call {}", call.number), "killed"};
  if (call.is_killed) return text;
  const auto* refusal = find(seccomp_policy_name(profile), text.call);
  text.answer = refusal != nullptr ? refusal->answer : "ENOSYS";
  return text;
}

std::string Refusals::reason(std::string_view policy, std::string_view call) const {
  const auto* refusal = find(policy, call);
  return refusal != nullptr ? refusal->reason : "";
}

}  // namespace lambent::sandbox
