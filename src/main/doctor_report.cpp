#include "main/doctor_report.h"

#include <fmt/format.h>

#include "protocol/json_writer.h"

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

std::string quoted(std::string_view text) {
  std::string out;
  protocol::append_json_string(out, text);
  return out;
}

std::string protection_row(const Capability& one) {
  std::string row = fmt::format("{:<26} {:<10} {}\n", one.name, word_of(one.level), one.means);
  if (one.means.empty()) row = fmt::format("{:<26} {:<10} {}\n", one.name, word_of(one.level), one.remedy);
  if (!one.means.empty() && !one.remedy.empty()) row += fmt::format("{:<37} {}\n", "", one.remedy);
  return row;
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
  text += fmt::format("\nisolation level: {}\n", sandbox::name_of(found.report.level()));
  if (!found.report.can_launch) text += "functions CANNOT run on this host\n";
  if (!found.report.missing(found.required).empty()) text += found.report.refusal(found.required) + "\n";
  return text;
}

std::string as_json(const Examination& found) {
  std::string protections;
  for (const auto& one : found.report.capabilities) {
    protections += fmt::format(R"({}{{"name":{},"state":"{}","means":{},"remedy":{},"requiredFrom":"{}"}})",
                               protections.empty() ? "" : ",", quoted(one.name), state_of(one.level), quoted(one.means),
                               quoted(one.remedy), sandbox::name_of(sandbox::required_from(one.name)));
  }
  std::string advice;
  for (const auto& one : found.advice) {
    advice += fmt::format(R"({}{{"name":{},"found":{},"advice":{}}})", advice.empty() ? "" : ",", quoted(one.name),
                          quoted(one.found), quoted(one.advice));
  }
  return fmt::format(R"({{"level":"{}","required":"{}","enough":{},"canLaunch":{},"protections":[{}],"advice":[{}]}})"
                     "\n",
                     sandbox::name_of(found.report.level()), sandbox::name_of(found.required), found.is_enough(),
                     found.report.can_launch, protections, advice);
}

}  // namespace lambent
