#include "cli/logs_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/time_format.h"
#include "cli/commands.h"

namespace lambent::cli {
namespace {

// What lines of the platform hold. A function can write the same; in the file a mark tells them apart (log_store.h).
constexpr std::string_view kPlatformWords[] = {
    "START RequestId:", "END RequestId:",         "REPORT RequestId:",    "INIT_START ",
    "INIT_REPORT ",     " Task timed out after ", "\"type\":\"platform.",
};

// Anywhere in the line: what stands before it may be invisible.
bool could_pass_for_platforms(const telemetry::LogEvent& event) {
  return !event.platform && std::ranges::any_of(kPlatformWords, [&](std::string_view words) {
    return event.text.find(words) != std::string::npos;
  });
}

// Characters that show nothing, or change the order of what is shown: U+200B to U+200F, U+202A to U+202E, U+2060 to
// U+206F, U+FEFF.
bool is_invisible(std::string_view three_bytes) {
  if (three_bytes == "\xEF\xBB\xBF") return true;
  if (three_bytes.size() < 3 || three_bytes[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(three_bytes[2]);
  if (three_bytes[1] == '\x81') return last >= 0xA0 && last <= 0xAF;
  return three_bytes[1] == '\x80' && ((last >= 0x8B && last <= 0x8F) || (last >= 0xAA && last <= 0xAE));
}

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
    } else if (is_invisible(text.substr(i, 3))) {
      for (const char byte : text.substr(i, 3)) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      i += 2;
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
  const std::string_view mark = could_pass_for_platforms(event) ? "[function] " : "";
  return fmt::format("{} {}{}", format_iso_millis(time), mark, escape ? escaped(event.text) : event.text);
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
