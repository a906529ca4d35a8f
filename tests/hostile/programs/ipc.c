// Leaves traces under names of the kernel ("leave"), or looks for those that another one left ("look").
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/un.h>

#include "attacker.h"

#define KEY 0x4c616d62
static const char kMark[] = "a secret that is left behind";

static int abstract_socket(bool listens) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  memcpy(at.sun_path, "\0hostile", 8);
  const socklen_t length = offsetof(struct sockaddr_un, sun_path) + 8;
  if (listens) return bind(fd, (struct sockaddr *)&at, length) || listen(fd, 5) ? -1 : fd;
  return connect(fd, (struct sockaddr *)&at, length);
}

static long file(const char *path, bool leaves) {
  const int fd = open(path, leaves ? O_CREAT | O_RDWR : O_RDONLY, 0666);
  if (fd < 0 || !leaves) return fd;
  return write(fd, kMark, sizeof kMark);
}

static int tcp(bool listens) {
  if (!listens) return connect_to("127.0.0.1", 7777);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7777)};
  return bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 5) ? -1 : fd;
}

static void by_name(bool leaves) {
  const int create = leaves ? IPC_CREAT | 0666 : 0666;
  tried("SysV memory", shmget(KEY, 4096, create));
  tried("SysV semaphores", semget(KEY, 1, create));
  tried("SysV messages", msgget(KEY, create));
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 64};
  tried("POSIX messages", mq_open("/hostile", leaves ? O_CREAT | O_RDWR : O_RDONLY, 0666, &attributes));
  tried("POSIX memory", file("/dev/shm/hostile", leaves));
  tried("/tmp", file("/tmp/hostile", leaves));
  tried("abstract socket", abstract_socket(leaves));
  tried("port", tcp(leaves));
  static char text[1 << 16];
  const int fd = open("/proc/sysvipc/shm", O_RDONLY);
  const ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
  int lines = 0;
  for (ssize_t i = 0; i < n; i++) lines += text[i] == '\n';
  report_number("SysV memory listed", lines > 0 ? lines - 1 : 0);
}

// Memory that the kernel gives out: is anything of another instance still in it?
static void memory(bool leaves) {
  const size_t size = 200UL << 20;
  char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) abort();
  if (leaves) {
    for (size_t at = 0; at + sizeof kMark < size; at += 512) memcpy(p + at, kMark, sizeof kMark);
  }
  report_number("memory with the mark", !leaves && memmem(p, size, kMark, sizeof kMark) != NULL);
  if (!leaves) {
    size_t used = 0;
    for (size_t at = 0; at < size; at++) used += p[at] != 0;
    report_number("bytes that are not zero", (long long)used);
  }
  munmap(p, size);
}

void attack(const char *event) {
  const bool leaves = !strncmp(event, "leave", 5);
  by_name(leaves);
  if (strstr(event, "memory")) memory(leaves);
}
