// Makes processes until it may not have more, or for ever, in every way that there is.
#include "attacker.h"

static char stack[65536] __attribute__((aligned(16)));

static int sleep_for_ever(void *unused) {
  (void)unused;
  for (;;) pause();
  return 0;
}

static long one_more(const char *how) {
  if (!strcmp(how, "fork")) {
    const pid_t pid = fork();
    if (pid == 0) sleep_for_ever(NULL);
    return pid;
  }
  if (!strcmp(how, "clone")) return clone(sleep_for_ever, stack + sizeof stack, SIGCHLD, NULL);
  if (!strcmp(how, "clone with memory")) {
    char *own = malloc(4096);
    return clone(sleep_for_ever, own + 4096, SIGCHLD | CLONE_VM, NULL);
  }
  if (!strcmp(how, "daemon")) {
    const pid_t pid = fork();
    if (pid != 0) return pid;
    setsid();
    if (fork() == 0) sleep_for_ever(NULL);
    _exit(0);
  }
  errno = EINVAL;
  return -1;
}

static void count(const char *how) {
  long made = 0;
  int error = 0;
  for (int refused = 0; made < 5000 && refused < 3;) {
    if (one_more(how) > 0) {
      made++;
    } else {
      refused++;
      error = errno;
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  }
  errno = error;
  tried("error", -1);
  report_number("made", made);
  signal(SIGTERM, SIG_IGN);
  kill(-1, SIGKILL);  // all but itself and process 1
  while (waitpid(-1, NULL, 0) > 0) {
  }
}

void attack(const char *event) {
  if (!strncmp(event, "count ", 6)) {
    count(event + 6);
    return;
  }
  signal(SIGTERM, SIG_IGN);
  for (;;) {
    setsid();
    if (fork() < 0) usleep(1000);
  }
}
