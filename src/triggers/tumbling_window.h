// Tumbling windows: stretches of time of one length, each with a state that the function hands on from one batch of
// its records to the next, and gets a last time at the window's end.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "triggers/stream_source.h"

namespace lambent::triggers {

struct TumblingWindow {
  std::int64_t start_ms = 0;  // since the epoch
  std::int64_t end_ms = 0;    // the first moment after it
  std::string state = "{}";   // JSON

  bool operator==(const TumblingWindow&) const = default;
};

// The one in which a record arrived; windows begin at whole multiples of their length since the epoch.
TumblingWindow window_of(std::int64_t arrived_ms, std::int64_t seconds);

// What a call is for.
enum class WindowCall : std::uint8_t {
  aggregate,
  final,
  early_final,  // the state is too large; the window goes on with a fresh one
};

// The members of the event beside its "Records": `,"window":…`.
std::string window_members(const TumblingWindow& window, WindowCall call, std::string_view shard,
                           std::string_view stream_arn);

// What the function returns as "state", as the JSON text that it is. Nothing where there is none, or the answer is no
// JSON object.
std::optional<std::string> returned_state(std::string_view answer);

}  // namespace lambent::triggers
