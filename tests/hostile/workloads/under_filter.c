/* under_filter FILE PROGRAM ARGUMENTS...: runs a program behind the system call filter whose instructions are in the file,
 * one a line: "code jump-if-true jump-if-false k". */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **arguments) {
  static struct sock_filter instructions[4096];
  struct sock_fprog program = {0, instructions};
  unsigned code, if_true, if_false, k;
  FILE *file = count > 2 ? fopen(arguments[1], "r") : NULL;
  if (file == NULL) return 1;
  while (fscanf(file, "%u %u %u %u", &code, &if_true, &if_false, &k) == 4 && program.len < 4096) {
    instructions[program.len++] = (struct sock_filter){(unsigned short)code, (unsigned char)if_true, (unsigned char)if_false, k};
  }
  fclose(file);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 1;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return 1;
  execv(arguments[2], arguments + 2);
  return 1;
}
