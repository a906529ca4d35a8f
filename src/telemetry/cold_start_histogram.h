// How long starts took since the server started: a histogram for each level and phase, and for the whole.
//
// Thread safety: none; the event loop's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "telemetry/cold_start.h"

namespace lambent::telemetry {

class ColdStartHistogram {
 public:
  void record(const ColdStart& start);

  // In the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/): the metric
  // lambent_cold_start_seconds with the labels level (spawn, blank, snapshot) and phase (StartPhase, or total). Levels
  // that have had no start are left out.
  [[nodiscard]] std::string text() const;

 private:
  // Upper bounds of the buckets in microseconds; one more bucket holds what is above.
  static constexpr std::array<std::int64_t, 15> kBounds{100,     250,     500,       1'000,     2'500,
                                                        5'000,   10'000,  25'000,    50'000,    100'000,
                                                        250'000, 500'000, 1'000'000, 2'500'000, 10'000'000};
  struct Series {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    std::chrono::nanoseconds sum{};
    std::uint64_t count = 0;

    void add(std::chrono::nanoseconds spent);
    void append_to(std::string& text, std::string_view level, std::string_view phase) const;
  };

  // The last of each level is the whole.
  std::array<std::array<Series, kStartPhases + 1>, kStartLevels> series_{};
};

}  // namespace lambent::telemetry
