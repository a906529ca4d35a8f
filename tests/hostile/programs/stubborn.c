// A function that does not come to its end, hides processes from it, or ends before its time.
#include "attacker.h"

static void ignore(int signal_number) {
  (void)signal_number;
}

static void on_signal_for_ever(int signal_number) {
  (void)signal_number;
  for (;;) {
  }
}

static void daemons(void) {
  int ready[2];
  if (pipe(ready)) return;
  for (int i = 0; i < 3; i++) {
    if (fork() == 0) {
      setsid();
      if (fork() != 0) _exit(0);
      setpgid(0, 0);
      for (int n = 1; n < 65; n++) signal(n, SIG_IGN);
      if (write(ready[1], "x", 1) != 1) _exit(1);
      for (;;) pause();
    }
  }
  while (waitpid(-1, NULL, 0) > 0) {
  }
  close(ready[1]);
  long started = 0;
  char one;
  while (started < 3 && read(ready[0], &one, 1) == 1) started++;
  close(ready[0]);
  report_number("started", started);
}

static void *spin(void *unused) {
  for (;;) {
  }
  return unused;
}

void attack(const char *event) {
  for (int n = 1; n < 32; n++) {
    if (n != SIGABRT && n != SIGSEGV && n != SIGCHLD) signal(n, ignore);
  }
  int code = 0;
  if (!strcmp(event, "who")) report("instance", "%s", getenv("AWS_LAMBDA_LOG_STREAM_NAME"));
  if (!strcmp(event, "daemons")) daemons();
  if (!strcmp(event, "sleep")) {
    for (;;) pause();
  }
  if (!strcmp(event, "spin")) {
    for (pthread_t t; pthread_create(&t, NULL, spin, NULL) == 0 && code < 8; code++) {
    }
    spin(NULL);
  }
  if (!strcmp(event, "stop")) kill(getpid(), SIGSTOP);
  if (!strcmp(event, "a signal handler")) {
    signal(SIGALRM, on_signal_for_ever);
    raise(SIGALRM);
  }
  if (!strncmp(event, "exit", 4)) _exit(atoi(event + 4));
  if (!strcmp(event, "abort")) abort();
  if (!strcmp(event, "segv")) raise(SIGSEGV);
}
