#include "sandbox/signals.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace lambent::sandbox {

// What the spawner ignores stays so over exec. Process 1 needs the defaults too: the kernel keeps signals from inside
// from it only where it has no handler (a sanitizer's, say).
void reset_signals() {
  // By the system call: glibc keeps two numbers to itself, which a parent that uses libuv leaves ignored.
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    std::uint64_t mask;
  } const defaults{};
  for (int number = 1; number < NSIG; ++number) {
    syscall(SYS_rt_sigaction, number, &defaults, nullptr, sizeof defaults.mask);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace lambent::sandbox
