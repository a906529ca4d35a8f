// A policy that is read means what it says: its ranges print and read the same, and it grants itself.
#include <cstdlib>
#include <string_view>

#include "egress/network_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::egress;
  const auto policy = parse_network_policy({reinterpret_cast<const char*>(data), size});
  if (!policy) return 0;
  if (!check_granted(*policy, *policy)) std::abort();
  for (const auto& range : policy->ranges) {
    const auto again = Cidr::parse(range.text());
    if (!again || !again->contains(range) || !range.contains(*again)) std::abort();
  }
  for (const auto& name : policy->names) {
    if (!name.starts_with('.') && !policy->lists_name(name)) std::abort();
  }
  return 0;
}
