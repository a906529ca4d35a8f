// Looks for whatever /proc and /dev show of the host or of others, and for anything there that can be changed.
#include <dirent.h>

#include "attacker.h"

static long opened_for_writing, seen;
static char first[4096];

// Every file below, opened for writing and never written.
static void try_to_write(const char *folder, int depth) {
  DIR *listing = opendir(folder);
  if (!listing || depth > 12) return;
  for (struct dirent *entry; (entry = readdir(listing));) {
    if (entry->d_name[0] == '.') continue;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    struct stat info;
    if (lstat(path, &info) || S_ISLNK(info.st_mode)) continue;
    if (S_ISDIR(info.st_mode)) {
      try_to_write(path, depth + 1);
    } else {
      seen++;
      const int fd = open(path, O_WRONLY | O_NONBLOCK);
      if (fd >= 0 && opened_for_writing++ == 0) snprintf(first, sizeof first, "%s", path);
      close(fd);
    }
  }
  closedir(listing);
}

static void write_everywhere(const char *const *folders) {
  opened_for_writing = seen = 0;
  first[0] = 0;
  for (; *folders; folders++) try_to_write(*folders, 0);
  report_number("seen", seen);
  report_number("writable", opened_for_writing);
  report("first", "%s", first);
}

static void other_processes(void) {
  long visible = 0, readable = 0;
  for (int pid = 1; pid <= 70000; pid++) {
    char path[64], target[256];
    snprintf(path, sizeof path, "/proc/%d", pid);
    if (pid == getpid() || access(path, F_OK)) continue;
    visible++;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    readable += readlink(path, target, sizeof target) >= 0;
  }
  report_number("visible", visible);
  report_number("readable", readable);
}

static void process_1(void) {
  static const char *const kFiles[] = {"environ", "mem", "maps", "auxv", "stack", "syscall", "personality", "pagemap", "io",
                                       "root/", "cwd/", "exe", "fd/0", "fd/3", "map_files", "ns/mnt", "task/1/environ"};
  for (size_t i = 0; i < sizeof kFiles / sizeof *kFiles; i++) {
    char path[128], text[16];
    snprintf(path, sizeof path, "/proc/1/%s", kFiles[i]);
    const int fd = open(path, O_RDONLY | O_NONBLOCK);
    tried(kFiles[i], fd < 0 ? -1 : read(fd, text, sizeof text) < 0 && errno != EISDIR ? -1 : 0);
    close(fd);
  }
}

// By any path that leads through descriptors or links of the kernel's own.
static void detours(void) {
  static const char *const kPaths[] = {
      "/proc/self/root/../../etc/shadow", "/proc/self/cwd/../../../root", "/proc/thread-self/root/proc/1/root/etc/shadow",
      "/proc/self/fd/3", "/proc/self/fd/4", "/proc/self/fd/5", "/proc/self/fd/6", "/proc/self/fd/7", "/proc/self/fd/8",
      "/proc/self/fd/9", "/dev/fd/3", "/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg",
      "/dev/kvm", "/dev/fuse", "/dev/loop-control", "/dev/net/tun", "/dev/vda", "/dev/sda", "/dev/cpu_dma_latency",
      "/dev/pts/0", "/dev/ptmx", "/dev/console", "/dev/tty", "/dev/tty0", "/dev/vsock", "/dev/vhost-net", "/dev/dri",
      "/dev/userfaultfd", "/dev/autofs", "/dev/btrfs-control", "/dev/mapper/control", "/dev/rtc0", "/dev/watchdog",
      "/proc/kcore", "/proc/kmsg", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup", "/proc/sysrq-trigger",
      "/proc/timer_list", "/proc/sched_debug", "/proc/vmallocinfo", "/proc/slabinfo", "/proc/pagetypeinfo",
      "/proc/mtrr", "/proc/scsi/scsi", "/proc/acpi/wakeup", "/sys/kernel", "/sys/fs/cgroup", "/sys/firmware", "/run",
      "/boot", "/root", "/home", "/etc/shadow"};
  for (size_t i = 0; i < sizeof kPaths / sizeof *kPaths; i++) {
    char text[16];
    const int fd = open(kPaths[i], O_RDONLY | O_NONBLOCK | O_NOCTTY);
    tried(kPaths[i], fd < 0 ? -1 : read(fd, text, sizeof text) < 0 && errno != EISDIR ? -1 : 0);
    close(fd);
  }
}

static void itself(void) {
  tried("exe for writing", open("/proc/self/exe", O_WRONLY));
  tried("mem for writing", open("/proc/self/mem", O_RDWR));
  tried("oom_score_adj", open("/proc/self/oom_score_adj", O_WRONLY));
  tried("uid_map", open("/proc/self/uid_map", O_WRONLY));
  tried("attr", open("/proc/self/attr/current", O_WRONLY));
  tried("unlink exe", unlink("/var/task/bootstrap"));
  tried("rename over", rename("/tmp", "/var/task"));
  tried("log read back", open("/proc/self/fd/1", O_RDONLY | O_NONBLOCK));
  close_range(3, ~0U, 0);
}

// What a sandbox is made of cannot be exchanged for something else.
static void masked(void) {
  static const char *const kPaths[] = {"/dev/null", "/dev", "/proc", "/tmp", "/etc/passwd", "/etc/resolv.conf", "/var/task",
                                       "/usr", "/bin", "/dev/shm"};
  char name[128];
  for (size_t i = 0; i < sizeof kPaths / sizeof *kPaths; i++) {
    snprintf(name, sizeof name, "unlink %s", kPaths[i]);
    tried(name, unlink(kPaths[i]));
    snprintf(name, sizeof name, "rmdir %s", kPaths[i]);
    tried(name, rmdir(kPaths[i]));
    snprintf(name, sizeof name, "rename %s", kPaths[i]);
    tried(name, rename(kPaths[i], "/tmp/x"));
    snprintf(name, sizeof name, "rename over %s", kPaths[i]);
    tried(name, (close(open("/tmp/y", O_CREAT | O_RDWR, 0600)), rename("/tmp/y", kPaths[i])));
    snprintf(name, sizeof name, "link %s", kPaths[i]);
    tried(name, link(kPaths[i], "/tmp/z"));
    snprintf(name, sizeof name, "mode of %s", kPaths[i]);
    if (strcmp(kPaths[i], "/tmp") && strcmp(kPaths[i], "/dev/shm")) tried(name, chmod(kPaths[i], 0777));
  }
  tried("symlink in /dev", symlink("/proc/sys", "/dev/x"));
  tried("symlink in /", symlink("/proc/sys", "/x"));
}

void attack(const char *event) {
  if (!strcmp(event, "write /proc/sys")) write_everywhere((const char *[]){"/proc/sys", NULL});
  if (!strcmp(event, "write /proc")) write_everywhere((const char *[]){"/proc", NULL});
  if (!strcmp(event, "write elsewhere")) write_everywhere((const char *[]){"/etc", "/var", "/opt", NULL});
  if (!strcmp(event, "other processes")) other_processes();
  if (!strcmp(event, "process 1")) process_1();
  if (!strcmp(event, "detours")) detours();
  if (!strcmp(event, "itself")) itself();
  if (!strcmp(event, "masked")) masked();
}
