// The ways out that the kernel offers to those who may: memory of others, new namespaces, mounts, keys, cgroups.
#include <dirent.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "attacker.h"

static pid_t child_that_waits(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static void foreign_memory_of(const char *who, pid_t pid) {
  static char text[64];
  char name[128], path[64];
  struct iovec own = {text, sizeof text}, its = {text, sizeof text};
  const int fd = (int)syscall(SYS_pidfd_open, pid, 0);
#define TRY(what, ...) (snprintf(name, sizeof name, "%s: %s", who, what), tried(name, __VA_ARGS__))
  TRY("PTRACE_ATTACH", ptrace(PTRACE_ATTACH, pid, 0, 0));
  TRY("PTRACE_SEIZE", ptrace(PTRACE_SEIZE, pid, 0, 0));
  TRY("process_vm_readv", process_vm_readv(pid, &own, 1, &its, 1, 0));
  TRY("process_vm_writev", process_vm_writev(pid, &own, 1, &its, 1, 0));
  TRY("pidfd_getfd", syscall(SYS_pidfd_getfd, fd, 1, 0));
  TRY("kcmp", syscall(SYS_kcmp, getpid(), pid, 0, 1, 1));
  TRY("process_madvise", syscall(SYS_process_madvise, fd, &its, 1, 21, 0));
  TRY("move_pages", syscall(SYS_move_pages, pid, 0, NULL, NULL, NULL, 0));
  TRY("get_robust_list of it", pid == 1 ? syscall(SYS_get_robust_list, pid, &own, &its) : -1);
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  TRY("mem for writing", open(path, O_RDWR));
#undef TRY
  close(fd);
}

static void foreign_memory(void) {
  tried("PTRACE_TRACEME", ptrace(PTRACE_TRACEME, 0, 0, 0));
  const pid_t child = child_that_waits();
  foreign_memory_of("process 1", 1);
  foreign_memory_of("a child", child);
  foreign_memory_of("a host process", 4000000);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

static void namespaces(void) {
  static const struct {
    const char *name;
    unsigned long flag;
  } kKinds[] = {{"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS},       {"pid", CLONE_NEWPID}, {"network", CLONE_NEWNET},
                {"ipc", CLONE_NEWIPC},   {"cgroup", CLONE_NEWCGROUP}, {"uts", CLONE_NEWUTS}, {"time", CLONE_NEWTIME},
                {"all", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET}};
  char name[64];
  for (size_t i = 0; i < sizeof kKinds / sizeof *kKinds; i++) {
    snprintf(name, sizeof name, "unshare %s", kKinds[i].name);
    tried(name, unshare((int)kKinds[i].flag));
    if (kKinds[i].flag != CLONE_NEWTIME) {  // to clone() that is a part of the signal
      snprintf(name, sizeof name, "clone %s", kKinds[i].name);
      const long pid = syscall(SYS_clone, kKinds[i].flag | SIGCHLD, 0, 0, 0, 0);
      if (pid == 0) _exit(0);
      tried(name, pid);
    }
    struct clone_args arguments = {.flags = kKinds[i].flag, .exit_signal = SIGCHLD};
    snprintf(name, sizeof name, "clone3 %s", kKinds[i].name);
    const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) _exit(0);
    tried(name, pid);
  }
  const int own = open("/proc/self/ns/net", O_RDONLY);
  tried("setns", setns(own, 0));
  tried("setns of process 1", setns((int)syscall(SYS_pidfd_open, 1, 0), CLONE_NEWNS));
  tried("mount tmpfs", mount("x", "/tmp", "tmpfs", 0, NULL));
  tried("mount proc", mount("x", "/tmp", "proc", 0, NULL));
  tried("mount cgroup", mount("x", "/tmp", "cgroup", 0, "memory"));
  tried("mount cgroup2", mount("x", "/tmp", "cgroup2", 0, NULL));
  tried("mount overlay", mount("x", "/tmp", "overlay", 0, "lowerdir=/usr,upperdir=/tmp,workdir=/tmp"));
  tried("bind", mount("/usr", "/tmp", NULL, MS_BIND, NULL));
  tried("remount writable", mount(NULL, "/var/task", NULL, MS_REMOUNT | MS_BIND, NULL));
  tried("umount /proc", umount2("/proc", MNT_DETACH));
  tried("umount /", umount2("/", MNT_DETACH));
  tried("pivot_root", syscall(SYS_pivot_root, ".", "."));
  tried("chroot", chroot("/tmp"));
  tried("open_tree", syscall(SYS_open_tree, -1, "/", 1));
  tried("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  tried("mount_setattr", syscall(SYS_mount_setattr, -1, "/", 0, NULL, 0));
  tried("name_to_handle_at", syscall(SYS_name_to_handle_at, -100, "/usr", NULL, NULL, 0));
  char handle[64] = {8, 0, 0, 0, 1};
  tried("open_by_handle_at", syscall(SYS_open_by_handle_at, own, handle, 0));
  close(own);
}

static void keys(void) {
  tried("add_key", syscall(SYS_add_key, "user", "hostile", "secret", 6, -3));
  tried("request_key", syscall(SYS_request_key, "user", "hostile", NULL, -3));
  tried("join a session keyring", syscall(SYS_keyctl, 1, "hostile", 0, 0, 0));
  tried("search", syscall(SYS_keyctl, 10, -4, "user", "hostile", 0));
  tried("read the user's keyring", syscall(SYS_keyctl, 11, -4, NULL, 0, 0));
  tried("keys of persistent users", syscall(SYS_keyctl, 22, -1, -2, 0, 0));
  char text[512];
  const int fd = open("/proc/keys", O_RDONLY);
  report_number("keys seen", fd < 0 ? 0 : read(fd, text, sizeof text));
  close(fd);
}

static long control_files;
static void look_for_control_files(const char *folder, int depth) {
  DIR *listing = opendir(folder);
  if (!listing || depth > 6) return;
  for (struct dirent *entry; (entry = readdir(listing));) {
    if (entry->d_name[0] == '.') continue;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (!strcmp(entry->d_name, "cgroup.procs") || !strcmp(entry->d_name, "release_agent") ||
        !strcmp(entry->d_name, "tasks") || !strcmp(entry->d_name, "memory.max")) {
      control_files++;
    }
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) look_for_control_files(path, depth + 1);
  }
  closedir(listing);
}

static void cgroups(void) {
  for (const char *const *folder = (const char *[]){"/dev", "/etc", "/opt", "/tmp", "/var", "/sys", "/run", NULL}; *folder;
       folder++) {
    look_for_control_files(*folder, 0);
  }
  report_number("control files", control_files);
  char text[4096] = "";
  const int fd = open("/proc/self/cgroup", O_RDONLY);
  if (read(fd, text, sizeof text - 1) < 0) abort();
  close(fd);
  int outside = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) outside += strcmp(strrchr(line, ':'), ":/") != 0;
  report_number("paths other than /", outside);
  tried("core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
  tried("modprobe", open("/proc/sys/kernel/modprobe", O_WRONLY));
  tried("uevent_helper", open("/sys/kernel/uevent_helper", O_WRONLY));
  tried("binfmt_misc", open("/proc/sys/fs/binfmt_misc/register", O_WRONLY));
}

void attack(const char *event) {
  if (!strcmp(event, "foreign memory")) foreign_memory();
  if (!strcmp(event, "namespaces")) namespaces();
  if (!strcmp(event, "keys")) keys();
  if (!strcmp(event, "cgroups")) cgroups();
}
