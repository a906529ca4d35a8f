// Where this process's cgroups are: read from /proc/self/cgroup and /proc/self/mountinfo (formats: cgroups(7),
// proc_pid_mountinfo(5)). Pure functions over the texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace lambent::sandbox {

struct CgroupHierarchy {
  int version = 1;                       // 1 or 2
  std::vector<std::string> controllers;  // version 1: those mounted here; version 2: empty (cgroup.controllers says)
  std::string folder;                    // of the process's own cgroup, absolute
};

// All hierarchies that are mounted where this process can see its own cgroup. Lines that make no sense are left out.
std::vector<CgroupHierarchy> find_cgroup_hierarchies(std::string_view self_cgroup, std::string_view mountinfo);

// The name that a server's cgroups have: the same for the same data folder, whatever path leads to it.
Result<std::string> cgroup_name_for(const std::string& data_folder);

}  // namespace lambent::sandbox
