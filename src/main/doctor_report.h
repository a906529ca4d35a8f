// What `lambent doctor` prints.
#pragma once

#include <string>
#include <vector>

#include "sandbox/denied_call.h"
#include "sandbox/host_advice.h"
#include "sandbox/host_report.h"
#include "telemetry/denied_calls.h"

namespace lambent {

// What is known of refused system calls, and whether servers with these settings add to it.
struct DeniedCallsFound {
  telemetry::DeniedCalls calls;
  bool is_recorded = false;
  std::string why_not;  // and how to get it
  sandbox::Refusals refusals;
};

struct Examination {
  sandbox::HostReport report;
  std::vector<sandbox::Advice> advice;
  sandbox::IsolationLevel required = sandbox::IsolationLevel::any;
  DeniedCallsFound denied;

  // Sandboxes can be made, and what is required is there.
  [[nodiscard]] bool is_enough() const;
};

// For people: protections, advice, refused system calls, and what it comes to.
std::string as_table(const Examination& found);
// {"level", "required", "enough", "canLaunch", "protections": [{"name", "state": "full"|"partial"|"none", "means",
// "remedy", "requiredFrom": "any"|"standard"|"full"}], "advice": [{"name", "found", "advice"}],
// "deniedCalls": {"recorded": boolean, "whyNot", "lastLost": ISO 8601 or "", "calls": [{"function", "policy", "call",
// "answer", "count", "last": ISO 8601, "reason"}]}}
std::string as_json(const Examination& found);

}  // namespace lambent
