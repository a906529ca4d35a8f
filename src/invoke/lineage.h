// Loops between functions: each call carries, in its trace header, how often each function was called in the same chain
// of requests. AWS's SDKs hand the header on to what a function calls, so a loop counts itself up.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lambent::invoke {

struct Lineage {
  std::string trace_header;  // with this call counted
  std::uint32_t count = 0;   // of this function in the chain, this call included
};

// `trace_header`: as it came ("Root=…;Parent=…"), with or without a "Lineage=" of earlier calls. A lineage that is not
// ours to read is replaced.
Lineage extend_lineage(std::string_view trace_header, std::string_view function_name);

}  // namespace lambent::invoke
