// Apart from what compiles filters: a template's library needs only this.
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/seccomp.h"

namespace lambent::sandbox {

Result<> install_seccomp(std::span<const sock_filter> program) {
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.size());
  filter.filter = const_cast<sock_filter*>(program.data());  // the kernel only reads it
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) return fail_errno("seccomp", "set filter");
  return {};
}

}  // namespace lambent::sandbox
