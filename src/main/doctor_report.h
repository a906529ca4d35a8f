// What `lambent doctor` prints.
#pragma once

#include <string>
#include <vector>

#include "sandbox/host_advice.h"
#include "sandbox/host_report.h"

namespace lambent {

struct Examination {
  sandbox::HostReport report;
  std::vector<sandbox::Advice> advice;
  sandbox::IsolationLevel required = sandbox::IsolationLevel::any;

  // Sandboxes can be made, and what is required is there.
  [[nodiscard]] bool is_enough() const;
};

// For people: protections, advice, and what it comes to.
std::string as_table(const Examination& found);
// {"level", "required", "enough", "canLaunch", "protections": [{"name", "state": "full"|"partial"|"none", "means",
// "remedy", "requiredFrom": "any"|"standard"|"full"}], "advice": [{"name", "found", "advice"}]}
std::string as_json(const Examination& found);

}  // namespace lambent
