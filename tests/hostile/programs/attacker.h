// A custom runtime in one header, for one hostile program: it asks for a call, runs attack(event), and answers with
// what was reported: {"what was tried": "ok" or the errno that it ended with, ...}. Plain C and the C library only.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The program's own part. The event is JSON text: a string comes with its quotes taken off.
void attack(const char* event);

static char answer_text[1 << 20];
static size_t answer_length;
static char request_id[64];

__attribute__((format(printf, 2, 3))) static inline void report(const char* name, const char* format, ...) {
  char value[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(value, sizeof value, format, arguments);
  va_end(arguments);
  for (char* c = value; *c; c++) {
    if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e) *c = '?';
  }
  answer_length += (size_t)snprintf(answer_text + answer_length, sizeof answer_text - answer_length, "%s\"%s\": \"%s\"",
                                    answer_length > 1 ? ", " : "", name, value);
  if (answer_length > sizeof answer_text - 5000) abort();
}

static inline void report_number(const char* name, long long value) {
  answer_length += (size_t)snprintf(answer_text + answer_length, sizeof answer_text - answer_length, "%s\"%s\": %lld",
                                    answer_length > 1 ? ", " : "", name, value);
}

// How a call ended that gives -1 on failure. Returns its result.
static inline long tried(const char* name, long result) {
  const char* error = strerrorname_np(errno);
  report(name, "%s", result >= 0 ? "ok" : error ? error : "?");
  return result;
}

static inline int connect_to(const char* address, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, address, &to.sin_addr);
  if (fd < 0 || connect(fd, (struct sockaddr*)&to, sizeof to) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static inline int connect_to_runtime_api(void) {
  const char* api = getenv("AWS_LAMBDA_RUNTIME_API");
  return connect_to("127.0.0.1", atoi(strchr(api, ':') + 1));
}

static inline bool send_all(int fd, const void* data, size_t length) {
  for (const char* at = data; length > 0;) {
    const ssize_t n = send(fd, at, length, MSG_NOSIGNAL);
    if (n <= 0) return false;
    at += n;
    length -= (size_t)n;
  }
  return true;
}

// One exchange on a connection of its own; the reply, head and body, is in `reply`. Its length, or -1.
static inline ssize_t exchange(const char* request, size_t length, char* reply, size_t room) {
  const int fd = connect_to_runtime_api();
  if (fd < 0) return -1;
  ssize_t have = send_all(fd, request, length) ? 0 : -1;
  while (have >= 0 && (size_t)have + 1 < room) {
    const ssize_t n = recv(fd, reply + have, room - 1 - (size_t)have, 0);
    if (n <= 0) break;
    have += n;
    reply[have] = 0;
    const char* body = strstr(reply, "\r\n\r\n");
    const char* size = strcasestr(reply, "\r\ncontent-length:");
    if (body && size && reply + have >= body + 4 + strtoul(size + 17, NULL, 10)) break;
  }
  close(fd);
  return have;
}

static inline void post_answer(void) {
  static char request[sizeof answer_text + 1000];
  char reply[4096];
  const int length = snprintf(request, sizeof request,
                              "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: "
                              "%zu\r\n\r\n%s",
                              request_id, answer_length, answer_text);
  exchange(request, (size_t)length, reply, sizeof reply);
}

// Waits for the next call; its event, until the next one.
static inline char* next_event(void) {
  static const char kNext[] = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
  static char reply[1 << 16];
  for (;;) {
    if (exchange(kNext, sizeof kNext - 1, reply, sizeof reply) < 0) exit(9);
    const char* id = strcasestr(reply, "lambda-runtime-aws-request-id:");
    char* body = strstr(reply, "\r\n\r\n");
    if (!id || !body || sscanf(id + 30, " %63[^\r]", request_id) != 1) continue;
    body += 4;
    const size_t length = strlen(body);
    if (length < 2 || body[0] != '"') return body;
    body[length - 1] = 0;
    return body + 1;
  }
}

int main(void) {
  for (;;) {
    char* event = next_event();
    answer_length = (size_t)snprintf(answer_text, sizeof answer_text, "{");
    attack(event);
    snprintf(answer_text + answer_length++, 2, "}");
    post_answer();
  }
}
