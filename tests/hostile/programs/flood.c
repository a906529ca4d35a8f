// Presses on the machine with one thing for a number of milliseconds: the event is "kind:milliseconds". Floods go
// through the doors that an instance has to the server: connections, pipelined requests, bodies, log lines.
#include "attacker.h"

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int platform_port(void) {
  return atoi(strrchr(getenv("AWS_ENDPOINT_URL"), ':') + 1);
}

static long long flood_connections(long long end, int port) {
  long long count = 0;
  while (now_ms() < end) {
    const int fd = connect_to("127.0.0.1", port);
    if (fd < 0) continue;
    count++;
    const struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);  // else its own ports run out
    close(fd);
  }
  return count;
}

// As many connections as are given, each with as many pipelined requests as it takes.
static long long flood_requests(long long end, int port, const char *request, int connections) {
  static char batch[1 << 16];
  const size_t length = strlen(request);
  size_t filled = 0;
  while (filled + length < sizeof batch) {
    memcpy(batch + filled, request, length);
    filled += length;
  }
  int fds[64];
  size_t sent[64];
  for (int i = 0; i < connections; i++) fds[i] = -1;
  long long bytes = 0;
  static char sink[1 << 16];
  while (now_ms() < end) {
    for (int i = 0; i < connections; i++) {
      if (fds[i] < 0) {
        fds[i] = connect_to("127.0.0.1", port);
        if (fds[i] < 0) continue;
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        sent[i] = 0;
      }
      const ssize_t n = send(fds[i], batch + sent[i], filled - sent[i], MSG_NOSIGNAL);
      if (n > 0) {
        bytes += n;
        sent[i] = (sent[i] + (size_t)n) % filled;
      }
      ssize_t got;
      while ((got = recv(fds[i], sink, sizeof sink, 0)) > 0) {
      }
      if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(fds[i]);
        fds[i] = -1;
      }
    }
  }
  for (int i = 0; i < connections; i++) {
    if (fds[i] >= 0) close(fds[i]);
  }
  return bytes / (long long)length;
}

// Large bodies to the platform's API, which reads them before it can know who signed; all connections at once.
static long long flood_bodies(long long end) {
  static char block[1 << 16];
  int fds[48];
  long long left[48], total = 0;
  for (int i = 0; i < 48; i++) fds[i] = -1;
  while (now_ms() < end) {
    for (int i = 0; i < 48; i++) {
      if (fds[i] < 0) {
        fds[i] = connect_to("127.0.0.1", platform_port());
        if (fds[i] < 0) continue;
        char head[1000];
        const int n = snprintf(head, sizeof head,
                               "POST /2015-03-31/functions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                               "Authorization: AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20260101/us-east-1/lambda/"
                               "aws4_request, SignedHeaders=host;x-amz-date, Signature=%064d\r\n"
                               "X-Amz-Date: 20260101T000000Z\r\nContent-Length: 70000000\r\n\r\n",
                               0);
        send_all(fds[i], head, (size_t)n);
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        left[i] = 69000000;  // never whole: what was sent stays in the server's hands
      }
      if (left[i] <= 0) continue;
      const ssize_t n = send(fds[i], block, sizeof block, MSG_NOSIGNAL);
      if (n > 0) {
        left[i] -= n;
        total += n;
      }
    }
  }
  for (int i = 0; i < 48; i++) {
    if (fds[i] >= 0) close(fds[i]);
  }
  return total;
}

static long long flood_log(long long end, const char *line, size_t length) {
  static char block[1 << 16];
  size_t filled = 0;
  while (filled + length <= sizeof block) {
    memcpy(block + filled, line, length);
    filled += length;
  }
  long long bytes = 0;
  while (now_ms() < end) {
    const ssize_t n = write(1, block, filled);
    if (n > 0) bytes += n;
  }
  return bytes;
}

// Nearly all of its memory is taken, touched and given back, again and again.
static long long thrash(long long end) {
  const size_t size = (strtoul(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), NULL, 10) * 9 / 10) << 20;
  long long bytes = 0;
  while (now_ms() < end) {
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return -1;
    for (size_t at = 0; at < size && now_ms() < end; at += 4096, bytes += 4096) p[at] = 1;
    munmap(p, size);
  }
  return bytes;
}

static long long fill_disk(long long end) {
  static char block[1 << 20];
  long long bytes = 0;
  while (now_ms() < end) {
    const int fd = open("/tmp/full", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    for (ssize_t n; now_ms() < end && (n = write(fd, block, sizeof block)) > 0;) bytes += n;
    fsync(fd);
    close(fd);
  }
  unlink("/tmp/full");
  return bytes;
}

static void *spin_until(void *end) {
  while (now_ms() < *(long long *)end) {
  }
  return NULL;
}

static long long spin(long long end) {
  pthread_t threads[7];
  for (int i = 0; i < 7; i++) pthread_create(&threads[i], NULL, spin_until, &end);
  spin_until(&end);
  for (int i = 0; i < 7; i++) pthread_join(threads[i], NULL);
  return 8;
}

// To the limit of processes, each of which wakes up every millisecond to try again.
static long long fork_bomb(long long end) {
  const pid_t first = fork();
  if (first == 0) {
    setpgid(0, 0);
    while (now_ms() < end) {
      if (fork() < 0) usleep(1000);
    }
    _exit(0);
  }
  while (now_ms() < end) usleep(1000);
  kill(-first, SIGKILL);
  waitpid(first, NULL, 0);
  return 1;
}

void attack(const char *event) {
  char kind[64] = "";
  long long ms = 1000;
  sscanf(event, "%63[^:]:%lld", kind, &ms);
  const long long end = now_ms() + ms;
  const int runtime_port = atoi(strchr(getenv("AWS_LAMBDA_RUNTIME_API"), ':') + 1);
  long long count = -1;
  if (!strcmp(kind, "connections")) count = flood_connections(end, platform_port());
  if (!strcmp(kind, "runtime connections")) count = flood_connections(end, runtime_port);
  if (!strcmp(kind, "requests")) count = flood_requests(end, platform_port(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 48);
  if (!strcmp(kind, "runtime requests")) count = flood_requests(end, runtime_port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 48);
  if (!strcmp(kind, "bodies")) count = flood_bodies(end);
  if (!strcmp(kind, "log lines")) count = flood_log(end, "x\n", 2);
  if (!strcmp(kind, "log")) count = flood_log(end, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\n", 63);
  if (!strcmp(kind, "log without newline")) count = flood_log(end, "x", 1);
  if (!strcmp(kind, "memory")) count = thrash(end);
  if (!strcmp(kind, "disk")) count = fill_disk(end);
  if (!strcmp(kind, "spin")) count = spin(end);
  if (!strcmp(kind, "fork bomb")) count = fork_bomb(end);
  if (!strcmp(kind, "nothing")) {
    usleep((useconds_t)ms * 1000);
    count = 0;
  }
  report_number("count", count);
}
