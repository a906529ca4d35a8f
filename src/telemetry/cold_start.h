// Where the time of one instance's start went, up to the first answer that it gave.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lambent::telemetry {

// How much was ready beforehand.
enum class StartLevel : std::uint8_t {
  spawn,     // the program was executed
  blank,     // forked from a started interpreter that had run nothing of any user
  snapshot,  // forked from a process in which the function's INIT had run
};
inline constexpr std::size_t kStartLevels = 3;
std::string_view to_string(StartLevel level);

enum class StartPhase : std::uint8_t {
  queue,       // until the start was allowed: other starts came first
  shell,       // until there was a sandbox, prepared ahead or made for it
  fork,        // until the program ran in it: mounts, limits and rights of this function, execution or fork
  restore,     // of a snapshot: until it asked for a call
  init,        // of every other: until it asked for a call; and what it waited for the INIT of its template
  first_byte,  // from handing the first call over to its answer
};
inline constexpr std::size_t kStartPhases = 6;
std::string_view to_string(StartPhase phase);

struct ColdStart {
  StartLevel level = StartLevel::spawn;
  std::array<std::chrono::nanoseconds, kStartPhases> spent{};

  [[nodiscard]] std::chrono::nanoseconds& of(StartPhase phase) { return spent[static_cast<std::size_t>(phase)]; }
  [[nodiscard]] std::chrono::nanoseconds of(StartPhase phase) const { return spent[static_cast<std::size_t>(phase)]; }
  // What a caller who met no instance waited for, in all.
  [[nodiscard]] std::chrono::nanoseconds total() const;
};

// "Cold Start: blank, queue 0.01 ms, shell 0.04 ms, fork 0.51 ms, init 2.13 ms, first byte 0.35 ms": of `restore` and
// `init` only the one that this level has.
std::string cold_start_text(const ColdStart& start);

}  // namespace lambent::telemetry
