// Which system calls the filters of functions refused: a small table, kept in one file of the data folder.
//
// Bounded whatever functions do: kCallsOfFunction names a function, its further ones under kOthers; kFunctions
// functions, of which the one goes whose last refused call is longest ago. Not thread-safe; a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace lambent::telemetry {

class DeniedCalls {
 public:
  static constexpr std::size_t kFunctions = 256;
  static constexpr std::size_t kCallsOfFunction = 32;
  static constexpr std::string_view kOthers = "(others)";
  static constexpr std::size_t kFileBytes = 2 * 1024 * 1024;  // more is no such file

  struct Name {
    std::string policy;  // the runtime's family, as under policies/seccomp/
    std::string call;    // "mount", "call 999"
    std::string answer;  // "EPERM", "ENOSYS", "killed"
    auto operator<=>(const Name&) const = default;
  };
  struct Seen {
    std::uint64_t count = 0;
    std::int64_t last_ms = 0;  // since 1970-01-01 UTC
    bool operator==(const Seen&) const = default;
  };
  struct Function {
    std::int64_t last_ms = 0;
    std::map<Name, Seen> calls;
    bool operator==(const Function&) const = default;
  };

  // True where the table had no such line before.
  bool add(std::string_view function, const Name& name, std::uint64_t count, std::int64_t now_ms);
  // There were more, which nobody could count.
  void note_lost(std::int64_t now_ms) { lost_ms_ = now_ms; }

  // By function name.
  [[nodiscard]] const std::map<std::string, Function, std::less<>>& functions() const { return functions_; }
  // When calls were last refused that are not counted; 0: never.
  [[nodiscard]] std::int64_t lost_ms() const { return lost_ms_; }
  bool operator==(const DeniedCalls&) const = default;

  // The file: a first line, then one line for each of Function::calls, fields separated by tabs.
  [[nodiscard]] std::string text() const;
  // Refuses whatever text() does not write. The file is the server's, its reader may be root.
  static Result<DeniedCalls> parse(std::string_view text);

  // <data>/denied_calls. An absent file is an empty table.
  static std::string path_in(const std::string& data_folder);
  static Result<DeniedCalls> load(const std::string& path);

 private:
  void make_room();

  std::map<std::string, Function, std::less<>> functions_;
  std::int64_t lost_ms_ = 0;
};

}  // namespace lambent::telemetry
