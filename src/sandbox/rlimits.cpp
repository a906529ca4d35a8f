#include "sandbox/rlimits.h"

#include <sys/resource.h>

#include <algorithm>

namespace lambent::sandbox {
namespace {

// Without CAP_SYS_RESOURCE a hard limit can only go down, so what the host set lower stays.
Result<> lower(__rlimit_resource_t resource, std::uint64_t wanted, const char* name) {
  rlimit now{};
  if (getrlimit(resource, &now) != 0) return fail_errno("getrlimit", name);
  const rlim_t value = std::min<rlim_t>(wanted, now.rlim_max);
  const rlimit set{value, value};
  if (setrlimit(resource, &set) != 0) return fail_errno("setrlimit", name);
  return {};
}

}  // namespace

Result<> set_resource_limits(const ResourceLimits& limits) {
  // No file is that small, and a host's handler behind core_pattern, which 0 does not keep from running, is not started
  // at a limit of 1 (fs/coredump.c).
  LAMBENT_TRY_VOID(lower(RLIMIT_CORE, 1, "RLIMIT_CORE"));
  LAMBENT_TRY_VOID(lower(RLIMIT_MEMLOCK, 64U << 10U, "RLIMIT_MEMLOCK"));
  LAMBENT_TRY_VOID(lower(RLIMIT_MSGQUEUE, 800U << 10U, "RLIMIT_MSGQUEUE"));
  LAMBENT_TRY_VOID(lower(RLIMIT_NOFILE, limits.open_files, "RLIMIT_NOFILE"));
  if (limits.processes > 0) LAMBENT_TRY_VOID(lower(RLIMIT_NPROC, limits.processes, "RLIMIT_NPROC"));
  if (limits.data_bytes > 0) LAMBENT_TRY_VOID(lower(RLIMIT_DATA, limits.data_bytes, "RLIMIT_DATA"));
  return {};
}

Result<> set_helper_limits(const HelperLimits& limits) {
  LAMBENT_TRY_VOID(lower(RLIMIT_CORE, 0, "RLIMIT_CORE"));
  LAMBENT_TRY_VOID(lower(RLIMIT_NOFILE, 64, "RLIMIT_NOFILE"));
  LAMBENT_TRY_VOID(lower(RLIMIT_CPU, limits.cpu_seconds, "RLIMIT_CPU"));
  LAMBENT_TRY_VOID(lower(RLIMIT_FSIZE, limits.file_bytes, "RLIMIT_FSIZE"));
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
  LAMBENT_TRY_VOID(lower(RLIMIT_AS, limits.address_bytes, "RLIMIT_AS"));  // sanitizers map terabytes of shadow
#endif
  return {};
}

void raise_open_files() {
  rlimit now{};
  if (getrlimit(RLIMIT_NOFILE, &now) != 0) return;
  now.rlim_cur = now.rlim_max;
  setrlimit(RLIMIT_NOFILE, &now);
}

}  // namespace lambent::sandbox
