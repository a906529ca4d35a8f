// Stands in for the platform's half of a template (src/sandbox/template_child.cpp), without namespaces or rights:
// orders come from the test over a SOCK_SEQPACKET socket. An order carries the descriptors of the child: its output,
// its environment block, and up to two more with the numbers that they shall have. Answers: "F <pid>" after a fork,
// "E <pid> <wait status>" at an end.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 2, DESCRIPTORS = 1024, EXTRAS = 2 };

static int control = -1;
static int ordered[2 + EXTRAS] = {-1, -1, -1, -1};  // output, environment, extras
static int numbers[EXTRAS];

static void report(const char* format, int pid, int status) {
  char text[64];
  const int length = snprintf(text, sizeof text, format, pid, status);
  if (send(control, text, (size_t)length, MSG_NOSIGNAL) < 0) _exit(3);
}

// 1: an order is there; 0: the test has gone.
static int receive_order(void) {
  char text[32] = {0};
  char buffer[CMSG_SPACE(sizeof ordered)];
  struct iovec part = {text, sizeof text - 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = buffer, .msg_controllen = sizeof buffer};
  if (recvmsg(control, &message, MSG_CMSG_CLOEXEC) <= 0) return 0;
  const struct cmsghdr* carried = CMSG_FIRSTHDR(&message);
  if (carried == NULL) return 0;
  memset(ordered, -1, sizeof ordered);
  memcpy(ordered, CMSG_DATA(carried), carried->cmsg_len - CMSG_LEN(0));
  memset(numbers, 0, sizeof numbers);
  sscanf(text, "%d %d", &numbers[0], &numbers[1]);
  return 1;
}

int lambent_template_next(int control_fd) {
  control = control_fd;
  for (;;) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) report("E %d %d", ended, status);
    struct pollfd watched = {control, POLLIN, 0};
    if (poll(&watched, 1, POLL_MS) > 0) return receive_order();
  }
}

int lambent_template_forked(pid_t child) {
  for (int i = 0; i < 2 + EXTRAS; ++i) {
    if (ordered[i] >= 0) close(ordered[i]);
  }
  report("F %d %d", child, 0);
  return 0;
}

static int block = -1;

// As the platform does, it leaves no descriptor but the standard ones and those it gives.
int lambent_template_join(void) {
  dup2(ordered[0], 1);
  dup2(ordered[0], 2);
  // Out of the way of the numbers that are asked for, and of those of event loops that are made meanwhile.
  int lowest = 50;
  for (int i = 0; i < EXTRAS; ++i) lowest = numbers[i] >= lowest ? numbers[i] + 1 : lowest;
  block = fcntl(ordered[1], F_DUPFD_CLOEXEC, lowest);
  int extras[EXTRAS] = {-1, -1};
  for (int i = 0; i < EXTRAS; ++i) {
    if (ordered[2 + i] >= 0) extras[i] = fcntl(ordered[2 + i], F_DUPFD_CLOEXEC, lowest);
  }
  for (int fd = 3; fd < DESCRIPTORS; ++fd) {
    if (fd != block && fd != extras[0] && fd != extras[1]) close(fd);
  }
  for (int i = 0; i < EXTRAS; ++i) {
    if (extras[i] < 0) continue;
    dup2(extras[i], numbers[i]);
    close(extras[i]);
  }
  return 0;
}

int lambent_template_wait(void) {
  return block;
}
