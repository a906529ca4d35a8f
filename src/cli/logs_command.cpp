#include "cli/logs_command.h"

#include <fmt/format.h>

#include <chrono>

#include "base/time_format.h"
#include "cli/commands.h"

namespace lambent::cli {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too; in UTF-8 they are C2 80 to C2 9F.
    const bool second_half = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if ((c < 0x20 && c != '\t') || c == 0x7F) {
      out += fmt::format("\\x{:02x}", c);
    } else if (second_half) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

void print(const std::vector<telemetry::LogEvent>& events, const LogsOptions& options, std::ostream& out) {
  for (const telemetry::LogEvent& event : events) out << log_line(event, options.escape) << '\n';
  out.flush();
}

}  // namespace

std::string log_line(const telemetry::LogEvent& event, bool escape) {
  const Wall time{std::chrono::milliseconds(event.time_ms)};
  return fmt::format("{} {}", format_iso_millis(time), escape ? escaped(event.text) : event.text);
}

int run_logs(const LogsOptions& options, const Pause& pause, std::ostream& out, std::ostream& err) {
  const auto refuse = [&](const std::string& message) {
    err << "lambent logs: " << message << '\n';
    return kFailed;
  };
  if (!options.follow && !telemetry::has_logs(options.data_dir, options.function)) {
    return refuse(fmt::format("no logs of a function {} in {}/logs", options.function, options.data_dir));
  }
  telemetry::LogFollower follower(options.data_dir, options.function);
  const auto events = telemetry::tail_log(options.data_dir, options.function, options.lines);
  if (!events) return refuse(events.error().message());
  print(*events, options, out);
  if (!options.follow) return kDone;
  while (pause() && out.good()) {
    const auto fresh = follower.poll();
    if (!fresh) return refuse(fresh.error().message());
    print(*fresh, options, out);
  }
  return kDone;
}

}  // namespace lambent::cli
