// Node.js add-on by which a template forks instances (lambent/template.cjs). Node-API only: one binary for all
// versions.
//
//   open(path)      loads the platform's library (src/sandbox/template_child.cpp)
//   tryFork()       forks once without an order: 0 in the child, which is to try a start with the sample of a line
//                   (line_io.h). It ends with its first response, and later forks have the memory that it has touched;
//                   then its process id, in the template
//   forkOnOrders(fd)  forks on each order of the platform. true in each child, false in the template where no more come
//   join()          in the child: joins the sandbox, where the event loop works again. Ends the process where the
//                   platform says so
//   onEmpty(call)   in the child that has joined: calls call(again) whenever nothing keeps the event loop; again: and
//                   nothing has kept it since the last time
//   wait()          in the child that has joined: waits for the assignment; its environment, NAME=value and NUL each.
//   Ends
//                   the process as join() does
//   lineRead, lineWrite, lineSample  see line_io.h
//   pid()           the process id
//   exec(program, script, inherited)  replaces the process, with the environment of the assignment; returns only where
//                   that fails, with errno
//   setTraceId(id)  the variable _X_AMZN_TRACE_ID; false where it has to be set otherwise
//   exit(code)      ends the process at once
//   findMathRandom(drawn)  looks for the generator by its last results (an array); false where it is not found
//   reseed()        new seeds for OpenSSL and Math.random; false where the latter has to be found again
//
// What makes a fork of Node.js work:
// - V8 keeps its heap from children (MADV_DONTFORK), which is undone before each fork.
// - Only the forking thread goes on in the child. So the template runs with flags by which V8 gives little work to
// others,
//   and forks when they wait for some.
// - Even so V8 hands small tasks to threads that the child does not have, and does not miss them. But Node.js waits for
//   their end in two places, which the child must not come to: at its exit (so exit() ends the process itself), and
//   when the event loop is empty. So a handle keeps the loop, and another one finds out when nothing else does:
//   onEmpty.
// - The event loop gets new descriptors in the child (uv_loop_fork) once join() has closed all there were. The other
//   loops of Node.js (tracing, delayed tasks) never run there; the numbers of their descriptors are given to /dev/null,
//   since Node.js may still write to them.
// - Orders are served without a step of JavaScript, so that the memory that a fork begins with is ever the same.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "line_io.h"
#include "math_random.h"
#include "touched_pages.h"

enum {
  DESCRIPTORS_MAX = 256,
  BLOCK_BYTES_MAX = 1 << 20,
  SEED_BYTES = 32,
  SETTLE_TRIES = 1000,
  SETTLE_MICROSECONDS = 200,
  DRAWN_MAX = 16,
  TRACE_ID_BYTES_MAX = 1024,
  TRY_SECONDS = 10,
  EMPTY_TURNS = 16,  // so often must the loop be found empty: V8's own tasks come by a handle that does not keep it
};

static struct {
  int (*next)(int control_fd);
  int (*forked)(pid_t child);
  int (*join)(void);
  int (*wait)(void);
} platform;

static napi_value fail(napi_env env, const char* what) {
  char text[256];
  snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
  napi_throw_error(env, NULL, text);
  return NULL;
}

static napi_value boolean(napi_env env, int value) {
  napi_value out = NULL;
  napi_get_boolean(env, value != 0, &out);
  return out;
}

static napi_value number(napi_env env, int64_t value) {
  napi_value out = NULL;
  napi_create_int64(env, value, &out);
  return out;
}

// Whether every thread but this one sleeps, which those of Node.js do only while they have nothing to do.
static int others_sleep(void) {
  DIR* entries = opendir("/proc/self/task");
  if (entries == NULL) return 0;
  int asleep = 1;
  for (const struct dirent* entry = readdir(entries); entry != NULL && asleep; entry = readdir(entries)) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == gettid()) continue;
    char path[64];
    char text[128];
    snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", entry->d_name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (n <= 0) continue;  // it has ended
    text[n] = '\0';
    const char* state = strrchr(text, ')');
    asleep = state != NULL && state[1] == ' ' && state[2] == 'S';
  }
  closedir(entries);
  return asleep;
}

static int settle(void) {
  for (int i = 0; i < SETTLE_TRIES; ++i) {
    if (others_sleep()) return 0;
    usleep(SETTLE_MICROSECONDS);
  }
  errno = EBUSY;
  return -1;
}

// Descriptors of Node.js.
static struct {
  int count;
  struct {
    int fd;
    struct stat status;
  } each[DESCRIPTORS_MAX];
} noted;

// Before the platform's library opens those that it has for each fork.
static int note_descriptors(void) {
  DIR* entries = opendir("/proc/self/fd");
  if (entries == NULL) return -1;
  noted.count = 0;
  for (const struct dirent* entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
    const int fd = atoi(entry->d_name);
    if (fd <= STDERR_FILENO || fd == dirfd(entries) || noted.count == DESCRIPTORS_MAX) continue;
    noted.each[noted.count].fd = fd;
    if (fstat(fd, &noted.each[noted.count].status) == 0) ++noted.count;
  }
  return closedir(entries);
}

// What was put under a number since it was noted stays.
static int replace_descriptors(void) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return -1;
  int is_noted = 0;
  for (int i = 0; i < noted.count; ++i) {
    struct stat now;
    const int fd = noted.each[i].fd;
    if (fd == null) is_noted = 1;
    if (fd == null || (fstat(fd, &now) == 0 && now.st_ino != noted.each[i].status.st_ino)) continue;
    if (dup3(null, fd, O_CLOEXEC) < 0) return -1;
  }
  return is_noted ? 0 : close(null);
}

// open(path)
static napi_value open_library(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  char path[4096];
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok ||
      napi_get_value_string_utf8(env, argument, path, sizeof path, NULL) != napi_ok) {
    return fail(env, "open(path)");
  }
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    napi_throw_error(env, NULL, dlerror());
    return NULL;
  }
  *(void**)&platform.next = dlsym(library, "lambent_template_next");
  *(void**)&platform.forked = dlsym(library, "lambent_template_forked");
  *(void**)&platform.join = dlsym(library, "lambent_template_join");
  *(void**)&platform.wait = dlsym(library, "lambent_template_wait");
  if (platform.next == NULL || platform.forked == NULL || platform.join == NULL || platform.wait == NULL) {
    napi_throw_error(env, NULL, "the library lacks a function of a template");
    return NULL;
  }
  return NULL;
}

// Lets children have all memory. Mappings that the kernel refuses (vvar) are none of V8's.
static int share_memory_with_children(void) {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) return -1;
  char line[4352];
  unsigned long begin = 0;
  unsigned long end = 0;
  while (fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "%lx-%lx", &begin, &end) == 2) madvise((void*)begin, end - begin, MADV_DOFORK);
  }
  fclose(maps);
  return 0;
}

static uv_loop_t* loop_of(napi_env env) {
  uv_loop_t* loop = NULL;
  return napi_get_uv_event_loop(env, &loop) == napi_ok ? loop : NULL;
}

static int renew_loop(napi_env env) {
  uv_loop_t* loop = loop_of(env);
  return loop == NULL ? -1 : uv_loop_fork(loop);
}

// libuv opens /dev/null with the first stream and keeps the number, to have one to give up when there are no more. It
// is none that INIT left, and forks would not have it; with the next stream it is opened again.
static napi_value drop_spare(napi_env env, napi_callback_info info) {
  (void)info;
  uv_loop_t* loop = loop_of(env);
  if (loop == NULL || loop->emfile_fd < 0) return number(env, 0);
  close(loop->emfile_fd);
  loop->emfile_fd = -1;
  return number(env, 1);
}

// As fork(2).
static pid_t fork_once(void) {
  if (settle() != 0 || share_memory_with_children() != 0) return -1;
  return fork();
}

static void end_try(void) {
  touched_pages_note();
  _exit(0);
}

static napi_value try_fork(napi_env env, napi_callback_info info) {
  (void)info;
  if (note_descriptors() != 0) return fail(env, "list descriptors");
  if (touched_pages_expect() != 0) return fail(env, "mmap");
  const pid_t child = fork_once();
  if (child < 0) return fail(env, "fork");
  if (child == 0) {
    alarm(TRY_SECONDS);
    line_on_sample_response(end_try);
    if (renew_loop(env) != 0) _exit(1);
    return number(env, 0);
  }
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  touched_pages_keep();
  return number(env, child);
}

static napi_value fork_on_orders(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  int32_t control = -1;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, argument, &control) != napi_ok) {
    return fail(env, "forkOnOrders(fd)");
  }
  while (platform.next(control) == 1) {
    const pid_t child = fork_once();
    if (child < 0) return fail(env, "fork");
    if (child == 0) return boolean(env, 1);
    platform.forked(child);
  }
  return boolean(env, 0);
}

static ssize_t read_all(int fd, char* block, size_t capacity) {
  size_t length = 0;
  for (;;) {
    const ssize_t n = read(fd, block + length, capacity - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || (n > 0 && length + (size_t)n == capacity)) return -1;
    if (n == 0) return (ssize_t)length;
    length += (size_t)n;
  }
}

static void give_up(const char* what) {
  dprintf(STDERR_FILENO, "template: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static napi_value join(napi_env env, napi_callback_info info) {
  (void)info;
  if (platform.join() != 0) _exit(1);  // the platform knows why
  if (replace_descriptors() != 0) give_up("replace descriptors");
  if (renew_loop(env) != 0) give_up("renew the event loop");
  touched_pages_populate();
  return NULL;
}

static struct {
  char* begin;
  size_t length;
} block;  // of the environment

static napi_value wait_for_assignment(napi_env env, napi_callback_info info) {
  (void)info;
  const int fd = platform.wait();
  if (fd < 0) give_up("wait for the assignment");
  block.begin = malloc(BLOCK_BYTES_MAX);
  const ssize_t length = block.begin == NULL ? -1 : read_all(fd, block.begin, BLOCK_BYTES_MAX);
  if (length < 0 || close(fd) != 0) give_up("read the environment");
  block.length = (size_t)length;
  napi_value out = NULL;
  napi_create_string_utf8(env, block.begin, block.length, &out);
  return out;
}

static struct {
  napi_env env;
  napi_ref call;
  napi_async_context context;
  uv_async_t keeper;     // keeps the loop
  uv_prepare_t watcher;  // looks at each turn, before the loop would wait
  uv_idle_t hurry;       // lets it not wait
  int turns;             // for which the loop has been empty
  int told;              // and JavaScript knows
} emptiness;

static int is_empty(void) {
  uv_unref((uv_handle_t*)&emptiness.keeper);
  const int alive = uv_loop_alive(emptiness.keeper.loop);
  uv_ref((uv_handle_t*)&emptiness.keeper);
  return !alive;
}

static void do_nothing(uv_idle_t* handle) {
  (void)handle;
}
static void do_nothing_async(uv_async_t* handle) {
  (void)handle;
}

static void look(uv_prepare_t* handle) {
  (void)handle;
  if (!is_empty()) {
    emptiness.turns = emptiness.told = 0;
    uv_idle_stop(&emptiness.hurry);
    return;
  }
  if (emptiness.turns == 0) {
    uv_idle_start(&emptiness.hurry, do_nothing);
    uv_unref((uv_handle_t*)&emptiness.hurry);
  }
  if (++emptiness.turns < EMPTY_TURNS) return;
  emptiness.turns = 0;
  const napi_env env = emptiness.env;
  napi_handle_scope scope;
  napi_value call;
  napi_value global;
  napi_value again;
  napi_open_handle_scope(env, &scope);
  napi_get_reference_value(env, emptiness.call, &call);
  napi_get_global(env, &global);
  napi_get_boolean(env, emptiness.told, &again);
  emptiness.told = 1;
  if (napi_make_callback(env, emptiness.context, global, call, 1, &again, NULL) == napi_pending_exception) {
    napi_value thrown;
    napi_get_and_clear_last_exception(env, &thrown);
    napi_fatal_exception(env, thrown);
  }
  if (!is_empty()) emptiness.told = 0;  // the listeners found something to do, if only for this turn
  napi_close_handle_scope(env, scope);
}

static napi_value on_empty(napi_env env, napi_callback_info info) {
  napi_value call;
  napi_value name;
  size_t count = 1;
  uv_loop_t* loop = loop_of(env);
  if (loop == NULL || napi_get_cb_info(env, info, &count, &call, NULL, NULL) != napi_ok ||
      napi_create_reference(env, call, 1, &emptiness.call) != napi_ok ||
      napi_create_string_utf8(env, "lambent", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, NULL, name, &emptiness.context) != napi_ok) {
    return fail(env, "onEmpty(call)");
  }
  emptiness.env = env;
  uv_async_init(loop, &emptiness.keeper, do_nothing_async);
  uv_prepare_init(loop, &emptiness.watcher);
  uv_idle_init(loop, &emptiness.hurry);
  uv_prepare_start(&emptiness.watcher, look);
  uv_unref((uv_handle_t*)&emptiness.watcher);
  return NULL;
}

// Strings that each end with NUL, as an array with NULL at its end.
static char** strings_of(char* data, size_t length) {
  size_t count = 0;
  for (size_t i = 0; i < length; ++i) count += data[i] == '\0';
  char** strings = calloc(count + 1, sizeof *strings);
  if (strings == NULL) return NULL;
  for (size_t i = 0; i < count; ++i) {
    strings[i] = data;
    data += strlen(data) + 1;
  }
  return strings;
}

// exec(program, script, inherited): that descriptor goes over, no other.
static napi_value exec(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t count = 3;
  int32_t inherited = -1;
  char texts[2][PATH_MAX];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_int32(env, arguments[2], &inherited) == napi_ok) fcntl(inherited, F_SETFD, 0);
  char** environment = strings_of(block.begin, block.length);
  if (napi_get_value_string_utf8(env, arguments[0], texts[0], PATH_MAX, NULL) == napi_ok &&
      napi_get_value_string_utf8(env, arguments[1], texts[1], PATH_MAX, NULL) == napi_ok && environment != NULL) {
    execve(texts[0], (char*[]){texts[0], texts[1], NULL}, environment);
  }
  return fail(env, "exec");
}

// setTraceId(text): false where it does not fit. setenv(3) of glibc keeps every value that it was ever given, and so
// grows from call to call; here the value has one place.
static napi_value set_trace_id(napi_env env, napi_callback_info info) {
  static const char name[] = "_X_AMZN_TRACE_ID";
  static char entry[sizeof name + TRACE_ID_BYTES_MAX + 1];
  char* const value = entry + sizeof name;
  const size_t room = TRACE_ID_BYTES_MAX + 1;
  if (entry[0] == '\0') snprintf(entry, sizeof entry, "%s=", name);
  napi_value argument;
  size_t count = 1;
  size_t length = 0;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok ||
      napi_get_value_string_utf8(env, argument, NULL, 0, &length) != napi_ok || length >= room) {
    return boolean(env, 0);
  }
  napi_get_value_string_utf8(env, argument, value, room, &length);
  return boolean(env, getenv(name) == value || putenv(entry) == 0);
}

static napi_value pid(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, getpid());
}

static napi_value exit_now(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  int32_t code = 0;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok) {
    napi_get_value_int32(env, argument, &code);
  }
  fflush(NULL);
  _exit(code);
}

// OpenSSL knows a fork by its process id, which may be the template's, as each has a pid namespace of its own.
static napi_value reseed(napi_env env, napi_callback_info info) {
  (void)info;
  void (*add)(const void* data, int length, double entropy) = NULL;
  *(void**)&add = dlsym(RTLD_DEFAULT, "RAND_add");
  unsigned char seed[SEED_BYTES];
  if (add == NULL || getrandom(seed, sizeof seed, 0) != sizeof seed) return fail(env, "reseed OpenSSL");
  add(seed, sizeof seed, sizeof seed);
  return boolean(env, math_random_renew() == 0);
}

static napi_value find_math_random(napi_env env, napi_callback_info info) {
  napi_value array;
  size_t arguments = 1;
  uint32_t count = 0;
  double drawn[DRAWN_MAX];
  if (napi_get_cb_info(env, info, &arguments, &array, NULL, NULL) != napi_ok ||
      napi_get_array_length(env, array, &count) != napi_ok || count > DRAWN_MAX) {
    return fail(env, "findMathRandom(drawn)");
  }
  for (uint32_t i = 0; i < count; ++i) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    napi_get_value_double(env, element, &drawn[i]);
  }
  return boolean(env, math_random_find(drawn, count) == 0);
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"open", NULL, open_library, NULL, NULL, NULL, napi_default, NULL},
      {"tryFork", NULL, try_fork, NULL, NULL, NULL, napi_default, NULL},
      {"forkOnOrders", NULL, fork_on_orders, NULL, NULL, NULL, napi_default, NULL},
      {"join", NULL, join, NULL, NULL, NULL, napi_default, NULL},
      {"onEmpty", NULL, on_empty, NULL, NULL, NULL, napi_default, NULL},
      {"wait", NULL, wait_for_assignment, NULL, NULL, NULL, napi_default, NULL},
      {"lineRead", NULL, line_read, NULL, NULL, NULL, napi_default, NULL},
      {"lineWrite", NULL, line_write, NULL, NULL, NULL, napi_default, NULL},
      {"lineSample", NULL, line_sample, NULL, NULL, NULL, napi_default, NULL},
      {"setTraceId", NULL, set_trace_id, NULL, NULL, NULL, napi_default, NULL},
      {"pid", NULL, pid, NULL, NULL, NULL, napi_default, NULL},
      {"exec", NULL, exec, NULL, NULL, NULL, napi_default, NULL},
      {"exit", NULL, exit_now, NULL, NULL, NULL, napi_default, NULL},
      {"findMathRandom", NULL, find_math_random, NULL, NULL, NULL, napi_default, NULL},
      {"dropSpare", NULL, drop_spare, NULL, NULL, NULL, napi_default, NULL},
      {"reseed", NULL, reseed, NULL, NULL, NULL, napi_default, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
