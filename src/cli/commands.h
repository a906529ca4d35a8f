// The command line of the one binary: `lambent <command> …`. The commands that only read files of the data directory
// (env, logs, bill, version) or ask the server (backup) live in this folder; those that are processes of their own
// (serve, spawner) are given by main.
//
// Exit codes: 0 done, 1 failed (the reason is on standard error), 2 wrong usage.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lambent::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

// One flag of a command that main provides.
struct FlagSpec {
  std::string name;         // "--port"
  std::string value_name;   // "PORT"; empty: a switch that takes no value
  std::string help;         // one sentence, with the default
  std::string group;        // heading in --help, e.g. "Limits"
  bool repeatable = false;  // may be given several times
};

// One flag as the user gave it; a switch has the value "true".
struct FlagValue {
  std::string name;  // as in FlagSpec
  std::string value;
};

struct Commands {
  std::string version;                // "0.1.0"
  std::vector<FlagSpec> serve_flags;  // from main/config.h: serve_flags()
  std::function<int(const std::vector<FlagValue>& flags)> serve;
  std::vector<FlagSpec> doctor_flags;  // from main/doctor.h
  std::function<int(const std::vector<FlagValue>& flags, bool json)> doctor;
  // Everything after "spawner", unparsed: started by serve itself, hidden from --help.
  std::function<int(const std::vector<std::string>& arguments)> spawner;
  // The same for "egress".
  std::function<int(const std::vector<std::string>& arguments)> egress;
  // "seccomp <policy>": prints a system call policy as it is compiled, for tests and reviewers; hidden too.
  std::function<int(const std::vector<std::string>& arguments)> seccomp;
};

// Runs the command that argv names and gives the process's exit code.
int run(int argc, char** argv, const Commands& commands);

}  // namespace lambent::cli
