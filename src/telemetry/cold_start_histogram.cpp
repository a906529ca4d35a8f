#include "telemetry/cold_start_histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace lambent::telemetry {
namespace {

constexpr std::string_view kName = "lambent_cold_start_seconds";

}  // namespace

void ColdStartHistogram::Series::add(std::chrono::nanoseconds spent) {
  const auto bound =
      std::ranges::find_if(kBounds, [&](std::int64_t micros) { return spent <= std::chrono::microseconds(micros); });
  counts[static_cast<std::size_t>(bound - kBounds.begin())]++;
  sum += spent;
  count++;
}

void ColdStartHistogram::Series::append_to(std::string& text, std::string_view level, std::string_view phase) const {
  const std::string labels = fmt::format(R"(level="{}",phase="{}")", level, phase);
  auto out = std::back_inserter(text);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    below += counts[i];
    fmt::format_to(out, "{}_bucket{{{},le=\"{}\"}} {}\n", kName, labels, static_cast<double>(kBounds[i]) / 1e6, below);
  }
  fmt::format_to(out, "{}_bucket{{{},le=\"+Inf\"}} {}\n", kName, labels, count);
  fmt::format_to(out, "{}_sum{{{}}} {:.9f}\n", kName, labels, static_cast<double>(sum.count()) / 1e9);
  fmt::format_to(out, "{}_count{{{}}} {}\n", kName, labels, count);
}

void ColdStartHistogram::record(const ColdStart& start) {
  auto& of_level = series_[static_cast<std::size_t>(start.level)];
  for (std::size_t phase = 0; phase < kStartPhases; ++phase) of_level[phase].add(start.spent[phase]);
  of_level[kStartPhases].add(start.total());
}

std::string ColdStartHistogram::text() const {
  std::string text =
      fmt::format("# HELP {0} Time of starts of instances until their first answer.\n# TYPE {0} histogram\n", kName);
  for (std::size_t level = 0; level < kStartLevels; ++level) {
    const std::string_view name = to_string(static_cast<StartLevel>(level));
    if (series_[level][kStartPhases].count == 0) continue;
    for (std::size_t phase = 0; phase < kStartPhases; ++phase) {
      series_[level][phase].append_to(text, name, to_string(static_cast<StartPhase>(phase)));
    }
    series_[level][kStartPhases].append_to(text, name, "total");
  }
  return text;
}

}  // namespace lambent::telemetry
