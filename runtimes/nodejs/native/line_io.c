#define _GNU_SOURCE
#include "line_io.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESPONSE = 2 };  // src/runtime_api/frames.h

static struct {
  char* call;
  size_t length;
  void (*on_response)(void);
} sample;

struct part {
  int fd;
  char* begin;
  size_t length;
};

static int arguments(napi_env env, napi_callback_info info, struct part* part) {
  napi_value given[4];
  size_t count = 4;
  void* data = NULL;
  size_t room = 0;
  int64_t at = 0;
  int64_t length = 0;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, given[0], &part->fd) != napi_ok ||
      napi_get_buffer_info(env, given[1], &data, &room) != napi_ok ||
      napi_get_value_int64(env, given[2], &at) != napi_ok || napi_get_value_int64(env, given[3], &length) != napi_ok ||
      at < 0 || length < 0 || (uint64_t)at + (uint64_t)length > room) {
    errno = EINVAL;
    return -1;
  }
  part->begin = (char*)data + at;
  part->length = (size_t)length;
  return 0;
}

static napi_value result(napi_env env, ssize_t count) {
  napi_value out = NULL;
  if (count < 0) {
    char text[128];
    snprintf(text, sizeof text, "the line to the platform: %s", strerror(errno));
    napi_throw_error(env, NULL, text);
  } else {
    napi_create_int64(env, count, &out);
  }
  return out;
}

static ssize_t read_sample(const struct part* part) {
  const size_t length = sample.length < part->length ? sample.length : part->length;
  memcpy(part->begin, sample.call, length);
  return (ssize_t)length;
}

static ssize_t read_when_ready(const struct part* part) {
  struct pollfd line = {part->fd, POLLIN, 0};
  ssize_t count = 0;
  do {
    count = poll(&line, 1, -1) < 0 ? -1 : read(part->fd, part->begin, part->length);
  } while (count < 0 && errno == EINTR);
  return count;
}

static ssize_t write_sample(const struct part* part) {
  if (part->begin[0] == RESPONSE && sample.on_response != NULL) sample.on_response();
  return (ssize_t)part->length;
}

static ssize_t write_once(const struct part* part) {
  ssize_t count = 0;
  do {
    count = write(part->fd, part->begin, part->length);
  } while (count < 0 && errno == EINTR);
  return count < 0 && (errno == EPIPE || errno == ECONNRESET) ? 0 : count;
}

napi_value line_read(napi_env env, napi_callback_info info) {
  struct part part;
  if (arguments(env, info, &part) != 0) return result(env, -1);
  return result(env, part.fd == LINE_SAMPLE ? read_sample(&part) : read_when_ready(&part));
}

napi_value line_write(napi_env env, napi_callback_info info) {
  struct part part;
  if (arguments(env, info, &part) != 0) return result(env, -1);
  return result(env, part.fd == LINE_SAMPLE ? write_sample(&part) : write_once(&part));
}

napi_value line_sample(napi_env env, napi_callback_info info) {
  napi_value buffer;
  size_t count = 1;
  void* data = NULL;
  size_t length = 0;
  if (napi_get_cb_info(env, info, &count, &buffer, NULL, NULL) != napi_ok ||
      napi_get_buffer_info(env, buffer, &data, &length) != napi_ok) {
    errno = EINVAL;
    return result(env, -1);
  }
  sample.call = malloc(length);
  if (sample.call == NULL) return result(env, -1);
  memcpy(sample.call, data, length);
  sample.length = length;
  return NULL;
}

void line_on_sample_response(void (*call)(void)) {
  sample.on_response = call;
}
