// Apart from what compiles filters: a template's library needs only this.
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/seccomp.h"

namespace lambent::sandbox {

Result<> install_seccomp(std::span<const sock_filter> program, bool is_recorded) {
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.size());
  filter.filter = const_cast<sock_filter*>(program.data());  // the kernel only reads it
  const unsigned flags = is_recorded ? SECCOMP_FILTER_FLAG_LOG : 0;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) != 0) return fail_errno("seccomp", "set filter");
  return {};
}

Result<UniqueFd> install_seccomp_with_notifications(std::span<const sock_filter> program) {
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.size());
  filter.filter = const_cast<sock_filter*>(program.data());
  const long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  if (listener < 0) return fail_errno("seccomp", "set filter with notifications");
  return UniqueFd(static_cast<int>(listener));
}

}  // namespace lambent::sandbox
