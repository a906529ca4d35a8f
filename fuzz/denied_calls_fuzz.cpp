// Any text is an audit record or none, a table or none; what is a table is written and read as the same table again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sandbox/denied_call.h"
#include "telemetry/denied_calls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lambent::telemetry::DeniedCalls;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(lambent::sandbox::parse_audit_record(text));
  const auto table = DeniedCalls::parse(text);
  if (!table) return 0;
  const auto again = DeniedCalls::parse(table->text());
  if (!again || *again != *table) std::abort();
  return 0;
}
