// Opens descriptors of every kind until it may not have more, and reports how many, with what error.
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "attacker.h"

static int open_one(const char *kind) {
  sigset_t all;
  sigfillset(&all);
  int pair[2];
  if (!strcmp(kind, "files")) return open("/dev/null", O_RDONLY);
  if (!strcmp(kind, "folders")) return open("/tmp", O_RDONLY | O_DIRECTORY);
  if (!strcmp(kind, "paths")) return open("/usr", O_PATH);
  if (!strcmp(kind, "tcp")) return socket(AF_INET, SOCK_STREAM, 0);
  if (!strcmp(kind, "udp6")) return socket(AF_INET6, SOCK_DGRAM, 0);
  if (!strcmp(kind, "unix")) return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) ? -1 : pair[0];
  if (!strcmp(kind, "netlink")) return socket(AF_NETLINK, SOCK_RAW, 0);
  if (!strcmp(kind, "pipes")) return pipe(pair) ? -1 : pair[0];
  if (!strcmp(kind, "epoll")) return epoll_create1(0);
  if (!strcmp(kind, "eventfd")) return eventfd(0, 0);
  if (!strcmp(kind, "timerfd")) return timerfd_create(CLOCK_MONOTONIC, 0);
  if (!strcmp(kind, "signalfd")) return signalfd(-1, &all, 0);
  if (!strcmp(kind, "inotify")) return inotify_init1(0);
  if (!strcmp(kind, "memfd")) return memfd_create("x", 0);
  if (!strcmp(kind, "pidfd")) return (int)syscall(SYS_pidfd_open, getpid(), 0);
  if (!strcmp(kind, "io_uring")) {
    char parameters[120] = {0};
    return (int)syscall(SYS_io_uring_setup, 8, parameters);
  }
  errno = EINVAL;
  return -1;
}

// Descriptors in flight belong to no process: sent over a socket, closed here, never received.
static long send_away(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)) return -1;
  long sent = 0;
  for (; sent < 1000000; sent++) {
    const int fd = open("/dev/null", O_RDONLY);
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    const ssize_t n = sendmsg(pair[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    const int error = errno;
    close(fd);
    errno = error;
    if (n < 0 && errno == EAGAIN) {  // that socket is full: another one
      close(pair[0]);
      if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)) return sent;
      continue;
    }
    if (n < 0) return sent;
  }
  return sent;
}

void attack(const char *event) {
  if (!strcmp(event, "in flight")) {
    const long sent = send_away();
    tried("error", -1);
    report_number("opened", sent);
  } else if (!strcmp(event, "raise")) {
    const struct rlimit more = {100000, 100000};
    tried("own limit", setrlimit(RLIMIT_NOFILE, &more));
    tried("limit of process 1", prlimit(1, RLIMIT_NOFILE, &more, NULL));
  } else {
    long opened = 0;
    while (opened < 100000 && open_one(event) >= 0) opened++;
    tried("error", -1);
    report_number("opened", opened);
  }
  close_range(3, ~0U, 0);
}
