// Runs a program as on a kernel that lacks something: without landlock|seccomp|user-namespaces PROGRAM ARGUMENTS...
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define FAIL(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define NUMBER_IS(number, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, otherwise)
#define HAS_FLAG(flag, otherwise) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flag, 0, otherwise)

static struct sock_filter no_landlock[] = {LOAD(nr), NUMBER_IS(SYS_landlock_create_ruleset, 1), FAIL(ENOSYS), ALLOW};
static struct sock_filter no_seccomp[] = {LOAD(nr), NUMBER_IS(SYS_seccomp, 1), FAIL(ENOSYS), NUMBER_IS(SYS_prctl, 3),
                                          LOAD(args[0]), NUMBER_IS(PR_SET_SECCOMP, 1), FAIL(EINVAL), ALLOW};
static struct sock_filter no_user_namespaces[] = {
    LOAD(nr),      NUMBER_IS(SYS_clone3, 1),   FAIL(ENOSYS), NUMBER_IS(SYS_unshare, 3), LOAD(args[0]), HAS_FLAG(0x10000000, 1),
    FAIL(EPERM),   LOAD(nr), NUMBER_IS(SYS_clone, 3), LOAD(args[0]),   HAS_FLAG(0x10000000, 1), FAIL(EPERM), ALLOW};

int main(int count, char **arguments) {
  if (count < 3) return 2;
  struct sock_fprog program = {0};
#define USE(filter) (program = (struct sock_fprog){sizeof filter / sizeof *filter, filter})
  if (!strcmp(arguments[1], "landlock")) USE(no_landlock);
  if (!strcmp(arguments[1], "seccomp")) USE(no_seccomp);
  if (!strcmp(arguments[1], "user-namespaces")) USE(no_user_namespaces);
  if (program.filter == NULL) return 2;
  if (geteuid() != 0) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("without");
    return 2;
  }
  execv(arguments[2], arguments + 2);
  perror(arguments[2]);
  return 127;
}
