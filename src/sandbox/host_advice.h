// What an operator should know of a host that runs other people's code, beyond what sandboxes enforce: settings that
// let a program on one processor or in one process learn of another, or that widen what a crash reaches.
#pragma once

#include <string>
#include <vector>

namespace lambent::sandbox {

struct Advice {
  std::string name;    // "SMT"
  std::string found;   // "on", "not known"
  std::string advice;  // what to do and why; empty where all is well
};

// Read from /proc and /sys under `root`. Changes nothing.
std::vector<Advice> advise_host(const std::string& root = "");

}  // namespace lambent::sandbox
