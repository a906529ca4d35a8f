// Fills what it may write: bytes, files, links, attributes. Each is tidied up before the next.
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "attacker.h"

static char path[8192];

static void bytes(const char *folder) {
  snprintf(path, sizeof path, "%s/full", folder);
  const int fd = open(path, O_CREAT | O_RDWR, 0600);
  long long at = 0;
  while (at < 20LL << 30 && fallocate(fd, 0, at, 1 << 20) == 0) at += 1 << 20;
  tried("error", -1);
  report_number("megabytes", at >> 20);
  close(fd);
  unlink(path);
}

static void entries(const char *folder, const char *kind) {
  snprintf(path, sizeof path, "%s/first", folder);
  close(open(path, O_CREAT | O_RDWR, 0600));
  long made = 0;
  for (char name[512]; made < 3000000; made++) {
    snprintf(name, sizeof name, "%s/%ld", folder, made);
    long result = -1;
    if (!strcmp(kind, "files")) {
      const int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
      result = fd;
      if (fd >= 0) close(fd);
    }
    if (!strcmp(kind, "folders")) result = mkdir(name, 0700);
    if (!strcmp(kind, "hard links")) result = link(path, name);
    if (!strcmp(kind, "symbolic links")) result = symlink("x", name);
    if (!strcmp(kind, "pipes")) result = mkfifo(name, 0600);
    if (result < 0) break;
  }
  tried("error", -1);
  report_number("made", made);
  for (char name[512]; made-- > 0;) {
    snprintf(name, sizeof name, "%s/%ld", folder, made);
    remove(name);
  }
  unlink(path);
}

static void sparse(void) {
  const int fd = open("/tmp/sparse", O_CREAT | O_RDWR, 0600);
  tried("16 TB that are not there", ftruncate(fd, 16LL << 40));
  struct statvfs info;
  fstatvfs(fd, &info);
  report_number("megabytes left", (long long)(info.f_bavail * info.f_frsize >> 20));
  tried("written far out", pwrite(fd, "x", 1, (16LL << 40) - 1));
  close(fd);
  unlink("/tmp/sparse");
}

static void attributes(void) {
  close(open("/tmp/file", O_CREAT | O_RDWR, 0600));
  static char value[65536];
  tried("user.x", setxattr("/tmp/file", "user.x", value, sizeof value, 0));
  tried("trusted.x", setxattr("/tmp/file", "trusted.x", value, 100, 0));
  tried("security.capability", setxattr("/tmp/file", "security.capability", value, 20, 0));
  tried("of the code", setxattr("/var/task/bootstrap", "user.x", value, 100, 0));
  unlink("/tmp/file");
}

void attack(const char *event) {
  if (!strcmp(event, "bytes")) bytes("/tmp");
  if (!strcmp(event, "bytes of /dev/shm")) bytes("/dev/shm");
  if (!strcmp(event, "sparse")) sparse();
  if (!strcmp(event, "attributes")) attributes();
  for (const char *const *kind = (const char *[]){"files", "folders", "hard links", "symbolic links", "pipes", NULL}; *kind;
       kind++) {
    if (!strcmp(event, *kind)) entries("/tmp", *kind);
  }
}
