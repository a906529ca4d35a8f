#include "telemetry/cold_start.h"

#include <fmt/format.h>

#include <numeric>

namespace lambent::telemetry {

std::string_view to_string(StartLevel level) {
  constexpr std::array<std::string_view, kStartLevels> kNames{"spawn", "blank", "snapshot"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string_view to_string(StartPhase phase) {
  constexpr std::array<std::string_view, kStartPhases> kNames{"queue",   "shell", "fork",
                                                              "restore", "init",  "first_byte"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::chrono::nanoseconds ColdStart::total() const {
  return std::accumulate(spent.begin(), spent.end(), std::chrono::nanoseconds(0));
}

std::string cold_start_text(const ColdStart& start) {
  const bool is_restored = start.level == StartLevel::snapshot;
  std::string text = fmt::format("Cold Start: {}", to_string(start.level));
  for (std::size_t i = 0; i < kStartPhases; ++i) {
    const auto phase = static_cast<StartPhase>(i);
    if (phase == StartPhase::restore && !is_restored) continue;
    const auto name = phase == StartPhase::first_byte ? std::string_view("first byte") : to_string(phase);
    text += fmt::format(", {} {:.2f} ms", name, static_cast<double>(start.of(phase).count()) / 1e6);
  }
  return text;
}

}  // namespace lambent::telemetry
