// The first program in the sandbox of a function that has extensions: starts them, then the runtime, tells the platform
// how each of them ends, and makes the sockets by which the platform reaches servers inside (telemetry).
//
//     attendant EXTENSION... -- RUNTIME ARGUMENT...
//
// Paths are absolute. It has no more rights than what it starts, and decides nothing: it does what the platform says.
// How they speak: src/extensions/attendant_line.h. Linked statically, so that LD_LIBRARY_PATH, which is the function's,
// does not lead it to libraries of a layer.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kLine = 63, kMostExtensions = 60, kRuntime = 255 };

struct message {
  uint8_t kind;
  uint8_t who;  // index of an extension, or kRuntime
  uint16_t port;
  int32_t code;
};

// What AWS gives to the runtime and not to extensions.
static const char* const kRuntimeOnly[] = {"AWS_EXECUTION_ENV",          "AWS_LAMBDA_LOG_GROUP_NAME",
                                           "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
                                           "AWS_XRAY_DAEMON_ADDRESS",    "LAMBDA_RUNTIME_DIR",
                                           "LAMBDA_TASK_ROOT",           "_AWS_XRAY_DAEMON_ADDRESS",
                                           "_AWS_XRAY_DAEMON_PORT",      "_HANDLER",
                                           "_LAMBENT_RUNTIME_LINE"};

extern char** environ;

static int control;  // to the platform
static int output;   // of the extensions
static pid_t extensions[kMostExtensions];
static int extension_count;
static pid_t runtime;

static void on_child(int signal) {
  (void)signal;
}

static int send_with(int to, const void* bytes, size_t length, const int* fds, size_t count) {
  struct iovec part = {(void*)bytes, length};
  union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(2 * sizeof(int))];
  } rights;
  memset(&rights, 0, sizeof rights);
  struct msghdr message = {0};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = &rights;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
  }
  ssize_t sent;
  do {
    sent = sendmsg(to, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -1 : 0;
}

static void tell(char kind, int who, uint16_t port, int code, const int* fd) {
  const struct message message = {(uint8_t)kind, (uint8_t)who, port, code};
  if (send_with(control, &message, sizeof message, fd, fd == NULL ? 0 : 1) != 0) _exit(1);
}

// The platform gets its end of the control line and the extensions' output, by the line that the runtime will have.
static void greet(void) {
  int line[2];
  int log[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) != 0 || pipe2(log, O_CLOEXEC) != 0) _exit(1);
  fcntl(log[0], F_SETFL, O_NONBLOCK);
  const int given[2] = {line[1], log[0]};
  if (send_with(kLine, "A", 1, given, 2) != 0) _exit(1);
  close(line[1]);
  close(log[0]);
  control = line[0];
  output = log[1];
}

static char** environment_of_extensions(void) {
  size_t count = 0;
  while (environ[count] != NULL) count++;
  char** kept = calloc(count + 1, sizeof *kept);
  if (kept == NULL) _exit(1);
  size_t n = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t length = (size_t)(strchrnul(environ[i], '=') - environ[i]);
    int is_kept = 1;
    for (size_t k = 0; k < sizeof kRuntimeOnly / sizeof *kRuntimeOnly; ++k) {
      if (strlen(kRuntimeOnly[k]) == length && strncmp(kRuntimeOnly[k], environ[i], length) == 0) is_kept = 0;
    }
    if (is_kept) kept[n++] = environ[i];
  }
  return kept;
}

// 0 where it could not be executed, with errno.
static pid_t start(char** argv, char** environment, int is_extension) {
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0) return 0;
  const pid_t child = fork();
  if (child < 0) return 0;
  if (child == 0) {
    sigset_t none;
    sigemptyset(&none);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (is_extension) {
      dup2(output, 1);
      dup2(output, 2);
      close(kLine);
      if (chdir("/") != 0) _exit(127);
    }
    execve(argv[0], argv, environment);
    const int why = errno;
    if (write(failure[1], &why, sizeof why) < 0) _exit(126);
    _exit(127);
  }
  close(failure[1]);
  int why = 0;
  ssize_t length;
  do {
    length = read(failure[0], &why, sizeof why);
  } while (length < 0 && errno == EINTR);
  close(failure[0]);
  if (length <= 0) return child;
  waitpid(child, NULL, 0);
  errno = why;
  return 0;
}

static void start_extensions(char** paths) {
  char** environment = environment_of_extensions();
  for (int i = 0; i < extension_count; ++i) {
    char* argv[] = {paths[i], NULL};
    extensions[i] = start(argv, environment, 1);
    if (extensions[i] == 0) tell('F', i, 0, errno, NULL);
  }
  free(environment);
  close(output);
}

static void start_runtime(char** argv) {
  if (runtime != 0) return;
  runtime = start(argv, environ, 0);
  if (runtime == 0) tell('F', kRuntime, 0, errno, NULL);
  // So that the platform sees the line's end when the runtime has gone.
  close(kLine);
}

// The platform waits for the connection to stand: whoever listens inside may be slow to.
static void begin_connection(uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made < 0) {
    tell('S', 0, port, errno, NULL);
    return;
  }
  struct sockaddr_in address = {0};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(made, (const struct sockaddr*)&address, sizeof address) != 0 && errno != EINPROGRESS) {
    tell('S', 0, port, errno, NULL);
  } else {
    tell('S', 0, port, 0, &made);
  }
  close(made);
}

static void reap(void) {
  int status;
  pid_t ended;
  while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
    if (ended == runtime) tell('X', kRuntime, 0, status, NULL);
    for (int i = 0; i < extension_count; ++i) {
      if (extensions[i] != ended) continue;
      extensions[i] = 0;
      tell('X', i, 0, status, NULL);
    }
  }
}

static void obey(char** runtime_argv) {
  struct message order;
  const ssize_t length = recv(control, &order, sizeof order, MSG_DONTWAIT);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length != (ssize_t)sizeof order) _exit(0);  // the platform is gone
  if (order.kind == 'R') start_runtime(runtime_argv);
  if (order.kind == 'T' && runtime != 0) kill(runtime, SIGTERM);
  if (order.kind == 'K' && runtime != 0) kill(runtime, SIGKILL);
  if (order.kind == 'C') begin_connection(order.port);
}

int main(int argc, char** argv) {
  int split = 1;
  while (split < argc && strcmp(argv[split], "--") != 0) split++;
  extension_count = split - 1;
  if (split + 1 >= argc || extension_count > kMostExtensions) return 2;
  prctl(PR_SET_DUMPABLE, 0);
  struct sigaction wake = {0};
  wake.sa_handler = on_child;
  sigaction(SIGCHLD, &wake, NULL);
  sigset_t blocked;
  sigset_t waiting;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_BLOCK, &blocked, &waiting);
  greet();
  start_extensions(argv + 1);
  for (;;) {
    struct pollfd line = {control, POLLIN, 0};
    const int ready = ppoll(&line, 1, NULL, &waiting);
    reap();
    if (ready > 0) obey(argv + split + 1);
  }
}
