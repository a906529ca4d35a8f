// Signals, limits and priorities for whoever can be named by a number: the runtime's supervisor, everybody.
#include <linux/ioprio.h>

#include "attacker.h"

void attack(const char *event) {
  if (!strcmp(event, "everybody")) {
    if (fork() == 0) {
      signal(SIGTERM, SIG_IGN);
      kill(-1, SIGKILL);
      _exit(0);
    }
    for (;;) pause();
  }
  tried("SIGKILL to process 1", kill(1, SIGKILL));
  tried("SIGSTOP to process 1", kill(1, SIGSTOP));
  for (int n = 1; n < 65; n++) {
    if (n != SIGKILL && n != SIGSTOP) kill(1, n);
  }
  tried("every signal to process 1", 0);
  tried("thread of process 1", syscall(SYS_tgkill, 1, 1, SIGSEGV));
  siginfo_t info = {.si_signo = SIGTERM, .si_code = -1};
  tried("queued to process 1", syscall(SYS_rt_sigqueueinfo, 1, SIGTERM, &info));
  tried("by descriptor", syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, 1, 0), SIGKILL, NULL, 0));
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) abort();
  fcntl(pair[0], F_SETFL, O_ASYNC);
  fcntl(pair[0], F_SETSIG, SIGKILL);
  tried("SIGIO to process 1", fcntl(pair[0], F_SETOWN, 1));
  if (write(pair[1], "x", 1) != 1) abort();
  close(pair[0]);
  close(pair[1]);

  long reached = 0;
  for (int pid = 2; pid < 4200000; pid += pid < 70000 ? 1 : 997) {
    if (pid != getpid() && kill(pid, 0) == 0) reached++;
  }
  report_number("others reached", reached);

  const struct rlimit least = {0, 0};
  tried("no memory for process 1", prlimit(1, RLIMIT_AS, &least, NULL));
  tried("no descriptors for process 1", prlimit(1, RLIMIT_NOFILE, &least, NULL));
  tried("no time for process 1", prlimit(1, RLIMIT_CPU, &(struct rlimit){1, 1}, NULL));
  tried("own priority", setpriority(PRIO_PROCESS, 0, -20));
  tried("real time", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
  tried("real-time disk", syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0)));
  tried("more signals", setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}));
}
