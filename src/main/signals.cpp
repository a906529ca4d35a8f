#include "main/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace lambent {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void take_signals() {
  const sigset_t set = stop_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignal::StopSignal(net::Loop& loop)
    : fd_([] {
        const sigset_t set = stop_signals();
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
      }()),
      readiness_(loop, fd_.get()) {}

net::Task<int> StopSignal::next() {
  while (co_await readiness_.readable()) {
    signalfd_siginfo info{};
    if (read(fd_.get(), &info, sizeof info) == sizeof info) co_return static_cast<int>(info.ssi_signo);
  }
  co_return 0;
}

}  // namespace lambent
