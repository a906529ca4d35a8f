// Takes memory of one kind until it is refused or killed: far more than the instance may have. Reports how much it held.
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "attacker.h"

#define GOAL (1LL << 29)
#define BLOCK (1 << 20)
static char block[BLOCK];
static long long held;

static void heap(void) {
  for (char *p; held < GOAL && (p = malloc(BLOCK)); held += BLOCK) memset(p, 1, BLOCK);
}

static void map(int flags, int fd) {
  for (char *p; held < GOAL; held += BLOCK) {
    p = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, flags, fd, fd < 0 ? 0 : held);
    if (p == MAP_FAILED) return;
    memset(p, 1, BLOCK);
  }
}

static void write_to(int fd) {
  for (ssize_t n; held < GOAL && (n = write(fd, block, BLOCK)) > 0; held += n) {
  }
}

static void sysv(void) {
  for (; held < GOAL; held += 16 * BLOCK) {
    const int id = shmget(IPC_PRIVATE, 16 * BLOCK, IPC_CREAT | 0600);
    char *p = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
    if (p == (void *)-1) return;
    memset(p, 1, 16 * BLOCK);
    shmdt(p);  // and yet it stays
  }
}

// One page of the zero page in each 2 MB costs nothing but the tables that lead to it.
static void page_tables(void) {
  for (int i = 0; i < 4000; i++) {
    char *p = mmap(NULL, 1LL << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return;
    madvise(p, 1LL << 30, MADV_NOHUGEPAGE);
    for (long long at = 0; at < 1LL << 30; at += 2 << 20, held += 4096) *(volatile char *)(p + at);
  }
}

// Every child fills as many descriptors as it may have.
static void in_children(void (*fill)(void), int children) {
  int total[2];
  if (pipe(total)) return;
  for (int i = 0; i < children; i++) {
    if (fork() == 0) {
      held = 0;
      fill();
      if (write(total[1], &held, sizeof held) < 0) _exit(1);
      pause();
    }
  }
  close(total[1]);
  long long part;
  for (int i = 0; i < children && read(total[0], &part, sizeof part) == sizeof part; i++) held += part;
}

static void fill_pipes(void) {
  for (int p[2]; pipe2(p, O_NONBLOCK) == 0;) {
    fcntl(p[1], F_SETPIPE_SZ, BLOCK);
    for (ssize_t n; (n = write(p[1], block, BLOCK)) > 0;) held += n;
  }
}

static void fill_unix_sockets(void) {
  for (int p[2]; socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) == 0;) {
    for (ssize_t n; (n = send(p[1], block, 65536, MSG_NOSIGNAL)) > 0;) held += n;
    for (ssize_t n; (n = send(p[0], block, 65536, MSG_NOSIGNAL)) > 0;) held += n;
  }
}

static time_t give_up_at;

static void fill_tcp_sockets(void) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 64)) return;
  getsockname(listener, (struct sockaddr *)&at, &length);
  while (time(NULL) < give_up_at) {
    const int one = socket(AF_INET, SOCK_STREAM, 0);
    const int big = 64 << 20;
    setsockopt(one, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
    if (one < 0 || connect(one, (struct sockaddr *)&at, sizeof at)) return;
    const int other = accept(listener, NULL, NULL);
    if (other < 0) return;
    fcntl(one, F_SETFL, O_NONBLOCK);
    for (int idle = 0; idle < 3;) {
      const ssize_t n = send(one, block, BLOCK, MSG_NOSIGNAL);
      if (n > 0) held += n;
      idle = n > 0 ? 0 : idle + 1;
      if (n <= 0) usleep(1000);
      if (held > GOAL) return;
    }
  }
}

static void fill_udp_sockets(void) {
  while (time(NULL) < give_up_at) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    const int big = 64 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at)) return;
    getsockname(fd, (struct sockaddr *)&at, &length);
    for (int i = 0; i < 2000; i++) sendto(fd, block, 60000, 0, (struct sockaddr *)&at, sizeof at);
    int waiting = 0;
    char one;
    while (recv(fd, &one, 1, MSG_DONTWAIT | MSG_PEEK) > 0 && waiting < 1) waiting++;
    unsigned info[9] = {0};
    length = sizeof info;
    if (getsockopt(fd, SOL_SOCKET, 55 /* SO_MEMINFO */, info, &length) == 0) held += info[0];
    if (held > GOAL) return;
  }
}

static void fill_queues(void) {
  struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 8192};
  for (int i = 0; i < 100000; i++) {
    char name[32];
    snprintf(name, sizeof name, "/q%d-%d", getpid(), i);
    const mqd_t q = mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
    if (q < 0) return;
    for (int m = 0; m < 10; m++) held += mq_send(q, block, 8192, 0) == 0 ? 8192 : 0;
  }
}

static void *sleeper(void *unused) {
  (void)unused;
  pause();
  return NULL;
}

static void stacks(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  for (pthread_t t; pthread_create(&t, &small, sleeper, NULL) == 0; held += 16384) {
  }
}

static void files(void) {
  for (int i = 0; i < 1000000; i++, held += 1024) {
    char name[300];
    snprintf(name, sizeof name, "/tmp/%0190d", i);
    const int fd = open(name, O_CREAT | O_WRONLY, 0600);
    if (fd < 0) return;
    close(fd);
  }
}

void attack(const char *event) {
  held = 0;
  give_up_at = time(NULL) + 4;
  memset(block, 1, sizeof block);
  if (!strcmp(event, "heap")) heap();
  if (!strcmp(event, "anonymous map")) map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (!strcmp(event, "shared map")) map(MAP_SHARED | MAP_ANONYMOUS, -1);
  if (!strcmp(event, "SysV memory")) sysv();
  if (!strcmp(event, "memfd")) write_to(memfd_create("x", 0));
  if (!strcmp(event, "/tmp")) write_to(open("/tmp/file", O_CREAT | O_WRONLY, 0600));
  if (!strcmp(event, "/dev/shm")) write_to(open("/dev/shm/file", O_CREAT | O_WRONLY, 0600));
  if (!strcmp(event, "page tables")) page_tables();
  if (!strcmp(event, "pipes")) in_children(fill_pipes, 8);
  if (!strcmp(event, "unix sockets")) in_children(fill_unix_sockets, 8);
  if (!strcmp(event, "tcp sockets")) in_children(fill_tcp_sockets, 4);
  if (!strcmp(event, "udp sockets")) in_children(fill_udp_sockets, 4);
  if (!strcmp(event, "message queues")) in_children(fill_queues, 8);
  if (!strcmp(event, "stacks")) stacks();
  if (!strcmp(event, "empty files")) files();
  report_number("held", held);
}
