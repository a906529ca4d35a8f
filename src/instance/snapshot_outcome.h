// What became of the attempt to make a template of a version (snapshots.h).
#pragma once

#include <string>

namespace lambent::instance {

struct SnapshotOutcome {
  enum class Kind {
    made,         // instances are forked from now on
    unsuitable,   // INIT ran, but left what forks cannot have; or the version is of no kind that is forked
    init_failed,  // INIT told an error, ended, or took too long
    unavailable,  // not now: there are too many templates, or the host could not make a sandbox
    stopped,      // the server ends; nobody knows
  };
  Kind kind = Kind::stopped;
  std::string why{};  // in words, but for `made` and `stopped`
};

}  // namespace lambent::instance
