/* Makes system calls and tells how each ended. Standard input has one call a line: "<kind> <number> <six arguments>",
 * kind n (this architecture), or i (32-bit: int 0x80, whose arguments are all 0). Standard output has one word a call:
 * "ok", the errno as a number, "killed <signal>", or "left" where the call ended the process in order.
 * Each call is made in a child of its own, since it may end it or change what it may do next. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long call_32bit(long number) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

static void make_call(char kind, long number, const long *a, int *outcome) {
  alarm(10); /* a call that blocks is seen as killed by SIGALRM */
  errno = 0;
  long result = kind == 'i' ? call_32bit(number) : syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (result == 0 && (number == SYS_fork || number == SYS_clone)) _exit(0);
  *outcome = kind == 'i' && result < 0 ? (int)-result : result == -1 ? errno : 0;
  _exit(0);
}

int main(void) {
  char line[512];
  /* Shared with the children: what a call did to its own descriptors does not matter. */
  int *outcome = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (outcome == MAP_FAILED) return 1;
  while (fgets(line, sizeof line, stdin) != NULL) {
    char kind;
    long number, a[6];
    if (sscanf(line, "%c %ld %ld %ld %ld %ld %ld %ld", &kind, &number, a, a + 1, a + 2, a + 3, a + 4, a + 5) != 8) return 1;
    *outcome = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) make_call(kind, number, a, outcome);
    int status = 0;
    if (waitpid(child, &status, 0) != child) return 1;
    if (WIFSIGNALED(status)) {
      printf("killed %d\n", WTERMSIG(status));
    } else if (*outcome < 0) {
      printf("left\n");
    } else if (*outcome == 0) {
      printf("ok\n");
    } else {
      printf("%d\n", *outcome);
    }
  }
  return 0;
}
