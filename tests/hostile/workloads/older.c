/* Calls of older C libraries that no library of this system makes any more, so they are made by number. A program that is
 * linked statically brings its library with it: glibc before 2.28 reads folders by getdents, and sets times and limits by
 * the calls below; before 2.31 such a program has no vDSO, and asks the kernel for every time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int main(void) {
  char entries[1024];
  struct rlimit limit;
  struct timeval now;
  unsigned processor;
  const int folder = open(".", O_RDONLY | O_DIRECTORY);
  if (syscall(SYS_getdents, folder, entries, sizeof entries) <= 0) return 1;
  if (syscall(SYS_utimes, ".", NULL) != 0) return 2;
  if (syscall(SYS_getrlimit, RLIMIT_CORE, &limit) != 0 || syscall(SYS_setrlimit, RLIMIT_CORE, &limit) != 0) return 3;
  if (syscall(SYS_gettimeofday, &now, NULL) != 0 || syscall(SYS_time, NULL) < 0) return 4;
  if (syscall(SYS_getcpu, &processor, NULL, NULL) != 0) return 5;
  puts("done");
  return 0;
}
