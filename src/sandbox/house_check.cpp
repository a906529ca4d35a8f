#include "sandbox/house_check.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lambent::sandbox {
namespace {

std::unexpected<Error> refuse(const std::string& why) {
  return fail(Error::of("look who is in the sandbox", "", why));
}

// All but the caller.
Result<std::vector<int>> others() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  if (!folder) return fail_errno("open", "/proc");
  std::vector<int> found;
  while (const dirent* entry = readdir(folder.get())) {
    const int number = std::atoi(entry->d_name);
    if (number > 0 && number != getpid()) found.push_back(number);
  }
  return found;
}

std::map<std::string, std::string> status_of(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  std::map<std::string, std::string> status;
  for (std::string name, value; std::getline(file, name, ':') && std::getline(file >> std::ws, value);) {
    status.emplace(std::move(name), std::move(value));
  }
  return status;
}

}  // namespace

Result<> check_lone_process() {
  LAMBENT_TRY(const auto found, others());
  if (found.size() != 1) return refuse(std::to_string(found.size()) + " processes");
  const auto status = status_of(found.front());
  const auto is = [&](const char* name, const char* value) {
    const auto line = status.find(name);
    return line != status.end() && line->second == value;
  };
  if (!is("Threads", "1")) return refuse("more than one thread");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    if (!is(set, "0000000000000000")) return refuse(std::string("capabilities: ") + set);
  }
  if (!is("NoNewPrivs", "1")) return refuse("no_new_privs is not set");
  if (!is("Seccomp", "2")) return refuse("no system call filter");
  return {};
}

Result<> check_alone_with(int process) {
  LAMBENT_TRY(const auto found, others());
  if (found.size() != 1 || found.front() != process) return refuse("INIT left processes");
  return {};
}

}  // namespace lambent::sandbox
