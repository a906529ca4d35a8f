// What every sandbox's root holds besides the mounts of its policy: the host's programs and libraries, the little of
// /etc that they need, /dev and /proc.
#pragma once

#include "base/error.h"
#include "sandbox/mounts.h"

namespace lambent::sandbox {

struct SkeletonOptions {
  uid_t inside_uid = 0;
  gid_t inside_gid = 0;
  uid_t mount_uid = 0;  // the same user as the mounting process sees it
  gid_t mount_gid = 0;
  std::uint64_t shm_bytes = 0;
  const char* name_server = nullptr;  // for resolv.conf; null: there is none
};

Result<> add_skeleton(RootBuilder& root, const SkeletonOptions& options);

}  // namespace lambent::sandbox
