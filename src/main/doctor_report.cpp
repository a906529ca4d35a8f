#include "main/doctor_report.h"

#include <fmt/format.h>

#include "base/json_text.h"
#include "base/time_format.h"

namespace lambent {
namespace {

using sandbox::Capability;
using sandbox::Enforcement;

const char* state_of(Enforcement level) {
  switch (level) {
    case Enforcement::full:
      return "full";
    case Enforcement::partial:
      return "partial";
    case Enforcement::none:
      break;
  }
  return "none";
}

const char* word_of(Enforcement level) {
  switch (level) {
    case Enforcement::full:
      return "enforced";
    case Enforcement::partial:
      return "PARTLY";
    case Enforcement::none:
      break;
  }
  return "NO";
}

std::string protection_row(const Capability& one) {
  std::string row = fmt::format("{:<26} {:<10} {}\n", one.name, word_of(one.level), one.means);
  if (one.means.empty()) row = fmt::format("{:<26} {:<10} {}\n", one.name, word_of(one.level), one.remedy);
  if (!one.means.empty() && !one.remedy.empty()) row += fmt::format("{:<37} {}\n", "", one.remedy);
  return row;
}

std::string date_of(std::int64_t ms) {
  return format_iso_millis(Wall(std::chrono::milliseconds(ms)));
}

std::string denied_table(const DeniedCallsFound& found) {
  const std::string state = found.is_recorded ? "recorded" : "NOT recorded: " + found.why_not;
  std::string text = fmt::format("\nREFUSED SYSTEM CALLS (as of now {})\n", state);
  if (!found.calls.functions().empty()) {
    text += fmt::format("{:<32} {:<9} {:<22} {:<10} {:>10}  {:<24} {}\n", "FUNCTION", "POLICY", "CALL", "GETS", "COUNT",
                        "LAST", "WHY");
  }
  for (const auto& [function, one] : found.calls.functions()) {
    for (const auto& [name, seen] : one.calls) {
      text +=
          fmt::format("{:<32} {:<9} {:<22} {:<10} {:>10}  {:<24} {}\n", function, name.policy, name.call, name.answer,
                      seen.count, date_of(seen.last_ms), found.refusals.reason(name.policy, name.call));
    }
  }
  if (found.calls.lost_ms() != 0) {
    text += fmt::format("more came than are counted, last at {}: a count is the least that there were\n",
                        date_of(found.calls.lost_ms()));
  }
  return text;
}

std::string denied_json(const DeniedCallsFound& found) {
  std::string calls;
  for (const auto& [function, one] : found.calls.functions()) {
    for (const auto& [name, seen] : one.calls) {
      calls +=
          fmt::format(R"({}{{"function":{},"policy":{},"call":{},"answer":{},"count":{},"last":"{}","reason":{}}})",
                      calls.empty() ? "" : ",", json_string(function), json_string(name.policy), json_string(name.call),
                      json_string(name.answer), seen.count, date_of(seen.last_ms),
                      json_string(found.refusals.reason(name.policy, name.call)));
    }
  }
  return fmt::format(R"({{"recorded":{},"whyNot":{},"lastLost":"{}","calls":[{}]}})", found.is_recorded,
                     json_string(found.why_not), found.calls.lost_ms() == 0 ? "" : date_of(found.calls.lost_ms()),
                     calls);
}

}  // namespace

bool Examination::is_enough() const {
  return report.can_launch && report.missing(required).empty();
}

std::string as_table(const Examination& found) {
  std::string text = fmt::format("{:<26} {:<10} {}\n", "PROTECTION", "ENFORCED", "BY, OR WHY NOT AND HOW TO GET IT");
  for (const auto& one : found.report.capabilities) text += protection_row(one);
  text += fmt::format("\n{:<30} {}\n", "HOST", "FOUND, AND WHAT TO DO");
  for (const auto& one : found.advice) {
    text += fmt::format("{:<30} {}\n", one.name, one.found);
    if (!one.advice.empty()) text += fmt::format("{:<30} {}\n", "", one.advice);
  }
  text += denied_table(found.denied);
  text += fmt::format("\nisolation level: {}\n", sandbox::name_of(found.report.level()));
  if (!found.report.can_launch) text += "functions CANNOT run on this host\n";
  if (!found.report.missing(found.required).empty()) text += found.report.refusal(found.required) + "\n";
  return text;
}

std::string as_json(const Examination& found) {
  std::string protections;
  for (const auto& one : found.report.capabilities) {
    protections +=
        fmt::format(R"({}{{"name":{},"state":"{}","means":{},"remedy":{},"requiredFrom":"{}"}})",
                    protections.empty() ? "" : ",", json_string(one.name), state_of(one.level), json_string(one.means),
                    json_string(one.remedy), sandbox::name_of(sandbox::required_from(one.name)));
  }
  std::string advice;
  for (const auto& one : found.advice) {
    advice += fmt::format(R"({}{{"name":{},"found":{},"advice":{}}})", advice.empty() ? "" : ",", json_string(one.name),
                          json_string(one.found), json_string(one.advice));
  }
  return fmt::format(
      R"({{"level":"{}","required":"{}","enough":{},"canLaunch":{},"protections":[{}],"advice":[{}],"deniedCalls":{}}})"
      "\n",
      sandbox::name_of(found.report.level()), sandbox::name_of(found.required), found.is_enough(),
      found.report.can_launch, protections, advice, denied_json(found.denied));
}

}  // namespace lambent
