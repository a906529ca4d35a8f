// Stops every process of a running sandbox, and lets them go on, through a descriptor of its cgroup's freezer file
// that the spawner opened: one small write to a kernel file, no rights and no message needed.
#pragma once

#include <unistd.h>

#include <string_view>

#include "base/fd.h"

namespace lambent::sandbox {

class Freezer {
 public:
  Freezer() = default;
  // `version` of the cgroup hierarchy: 1 or 2.
  Freezer(UniqueFd file, int version) : file_(std::move(file)), version_(version) {}

  // False where the host has no freezer: then nothing is ever frozen.
  [[nodiscard]] bool valid() const { return file_.valid(); }
  // The kernel stops the processes in a moment. False where it refuses.
  [[nodiscard]] bool freeze() { return put(version_ == 1 ? "FROZEN" : "1"); }
  // They go on; system calls that were interrupted are begun again, or fail with EINTR where signal(7) says so of
  // SIGSTOP and SIGCONT.
  [[nodiscard]] bool thaw() { return put(version_ == 1 ? "THAWED" : "0"); }

 private:
  [[nodiscard]] bool put(std::string_view word) const {
    return pwrite(file_.get(), word.data(), word.size(), 0) == static_cast<ssize_t>(word.size());
  }

  UniqueFd file_;
  int version_ = 0;
};

}  // namespace lambent::sandbox
