// Any bytes as a function's output come back as valid UTF-8 in one event; any line of a log file is read or left out.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "telemetry/log_event.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)lambent::telemetry::parse_event_line(text);

  std::string line;
  lambent::telemetry::append_event_line(line, 1, text, text, false);
  if (line.find('\n') != line.size() - 1 || !lambent::is_utf8(line)) std::abort();
  const auto event = lambent::telemetry::parse_event_line(std::string_view(line).substr(0, line.size() - 1));
  if (!event || event->platform || event->stream != event->text) std::abort();
  if (lambent::is_utf8(text) && event->text != text) std::abort();
  return 0;
}
