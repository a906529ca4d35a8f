// The platform's half of a template (src/sandbox/template_child.cpp) for tests of what forks share: forks as many as it
// is told, one after another as fast as they end, each with process id 1 of a pid namespace of its own, as the
// template has: so nothing may know a fork by its process id.
//
// One packet on the control socket, "<children> <at once> <file of the environment block> <file that output is appended
// to>", begins it; at the end one comes back: "<children that ended with 0>". A child's line to the platform is
// descriptor 60; nobody is at its other end.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PACKET = 8192, LINE = 60 };

static int control = -1;
static int own_namespace = -1;
static int to_fork, at_once, alive, succeeded;
static char environment[PACKET / 2], output[PACKET / 2];

static int begin(int control_fd) {
  char text[PACKET] = {0};
  control = control_fd;
  if (recv(control, text, sizeof text - 1, 0) <= 0) return -1;
  if (sscanf(text, "%d %d %4095s %4095s", &to_fork, &at_once, environment, output) != 4) return -1;
  own_namespace = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  return own_namespace;
}

static void await_one(void) {
  int status = 0;
  if (waitpid(-1, &status, 0) <= 0) _exit(3);
  --alive;
  if (status == 0) ++succeeded;
}

int lambent_template_next(int control_fd) {
  if (control < 0 && begin(control_fd) < 0) return 0;
  while (alive > 0 && (alive == at_once || to_fork == 0)) await_one();
  if (to_fork == 0) {
    char text[32];
    const int length = snprintf(text, sizeof text, "%d", succeeded);
    (void)!send(control, text, (size_t)length, MSG_NOSIGNAL);
    return 0;
  }
  --to_fork;
  return unshare(CLONE_NEWPID) == 0;
}

int lambent_template_forked(pid_t child) {
  if (child > 0) ++alive;
  return setns(own_namespace, CLONE_NEWPID);
}

static int block = -1;

int lambent_template_join(void) {
  if (getpid() != 1) return -1;
  const int out = open(output, O_WRONLY | O_APPEND);
  if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) return -1;
  // A number that no descriptor of the interpreter has, since some of them remember theirs.
  block = open(environment, O_RDONLY | O_CLOEXEC);
  int line[2];
  if (block < 0 || block >= LINE || socketpair(AF_UNIX, SOCK_STREAM, 0, line) != 0) return -1;
  if (line[0] == LINE || line[1] == LINE || dup2(line[0], LINE) < 0) return -1;
  close_range(3, (unsigned)block - 1, 0);
  close_range((unsigned)block + 1, LINE - 1, 0);
  close_range(LINE + 1, ~0U, 0);
  return 0;
}

int lambent_template_wait(void) {
  return block;
}
