/* What programs in C, C++ and Rust do, through functions of the C library only: which system call it takes is the library's
 * choice. Built against glibc, and against musl, whose calls are those of older C libraries too. What a library of the
 * system does not have is left out by the preprocessor. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <mqueue.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

extern char **environ;

#define MUST(call)                                                                  \
  do {                                                                              \
    if ((long)(call) == -1) {                                                       \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, strerror(errno)); \
      exit(1);                                                                      \
    }                                                                               \
  } while (0)
/* An error is as good, but not that there is no such call. */
#define MAY(call)                                     \
  do {                                                \
    if ((long)(call) == -1 && errno == ENOSYS) MUST(-1); \
  } while (0)

static void descriptors_and_locks(int file, int pipe_end) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int copy, socket_end[2], memory;
  MUST(copy = fcntl(file, F_DUPFD, 70));
  MUST(fcntl(copy, F_SETFD, fcntl(copy, F_GETFD) | FD_CLOEXEC));
  MUST(fcntl(pipe_end, F_SETFL, fcntl(pipe_end, F_GETFL)));
  MUST(fcntl(file, F_DUPFD_CLOEXEC, 71));
  MUST(fcntl(file, F_GETLK, &lock));
  lock.l_type = F_WRLCK;
  MUST(fcntl(file, F_SETLK, &lock));
  MUST(fcntl(file, F_SETLKW, &lock));
  lock.l_type = F_UNLCK;
  MUST(fcntl(file, F_SETLK, &lock));
  lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
  MUST(fcntl(file, F_OFD_GETLK, &lock));
  lock.l_type = F_WRLCK;
  MUST(fcntl(file, F_OFD_SETLK, &lock));
  MUST(fcntl(file, F_OFD_SETLKW, &lock));
  lock.l_type = F_UNLCK;
  MUST(fcntl(file, F_OFD_SETLK, &lock));
  MUST(fcntl(pipe_end, F_SETPIPE_SZ, fcntl(pipe_end, F_GETPIPE_SZ)));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_end));
  MUST(fcntl(socket_end[0], F_SETOWN, getpid()));
  MUST(memory = memfd_create("sealed", MFD_ALLOW_SEALING));
  MUST(fcntl(memory, F_ADD_SEALS, F_SEAL_GROW));
  MUST(fcntl(memory, F_GET_SEALS));
}

static void files(void) {
  char buffer[16] = "x";
  struct stat info;
  struct statvfs space;
  struct iovec parts[2] = {{buffer, 1}, {buffer + 1, 1}};
  int fd, folder;
  MUST(fd = creat("a", 0600));
  close(fd);
  MUST(fd = open("a", O_RDWR));
  MUST(write(fd, buffer, 10));
  MUST(pwrite(fd, buffer, 1, 5));
  MUST(pread(fd, buffer, 1, 5));
  MUST(lseek(fd, 0, SEEK_SET));
  MUST(writev(fd, parts, 2));
  MUST(readv(fd, parts, 2));
  MUST(pwritev(fd, parts, 2, 0));
  MUST(preadv(fd, parts, 2, 0));
#ifdef __GLIBC__
  MUST(pwritev2(fd, parts, 2, 0, RWF_DSYNC));
  MUST(preadv2(fd, parts, 2, 0, 0));
#endif
  MUST(fsync(fd));
  MUST(fdatasync(fd));
  MUST(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
  MUST(ftruncate(fd, 100));
  MUST(posix_fallocate(fd, 0, 200) == 0 ? 0 : -1);
  MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED) == 0 ? 0 : -1);
  MUST(readahead(fd, 0, 10));
  MUST(flock(fd, LOCK_EX));
  MUST(lockf(fd, F_LOCK, 0));
  MUST(fchmod(fd, 0600));
  MUST(fchown(fd, -1, -1));
  MUST(fstat(fd, &info));
  MUST(fstatvfs(fd, &space));
  MUST(statvfs(".", &space));
  MUST(stat("a", &info));
  MUST(lstat("a", &info));
  MUST(chmod("a", 0600));
  MUST(chown("a", -1, -1));
  MUST(lchown("a", -1, -1));
  MUST(truncate("a", 50));
  MUST(access("a", R_OK));
  MUST(faccessat(AT_FDCWD, "a", R_OK, 0));
  MUST(faccessat(AT_FDCWD, "a", R_OK, AT_EACCESS));
  MUST(utime("a", NULL));
  MUST(utimes("a", NULL));
  MUST(utimensat(AT_FDCWD, "a", NULL, 0));
  MUST(link("a", "l"));
  MUST(linkat(AT_FDCWD, "a", AT_FDCWD, "l2", 0));
  MUST(symlink("a", "s"));
  MUST(symlinkat("a", AT_FDCWD, "s2"));
  MUST(readlink("s", buffer, 10));
  MUST(readlinkat(AT_FDCWD, "s", buffer, 10));
  MUST(rename("l", "m"));
  MUST(renameat(AT_FDCWD, "m", AT_FDCWD, "n"));
#ifdef __GLIBC__
  MUST(renameat2(AT_FDCWD, "n", AT_FDCWD, "o", RENAME_NOREPLACE));
  struct statx more;
  MUST(statx(AT_FDCWD, "a", 0, STATX_ALL, &more));
#endif
  MUST(mkdir("d", 0700));
  MUST(mkdirat(AT_FDCWD, "d2", 0700));
  MUST(folder = open("d", O_RDONLY | O_DIRECTORY));
  MUST(fchdir(folder));
  MUST(chdir(".."));
  MUST(getcwd(buffer, 1) == NULL ? 0 : -1);
  MUST(fstatat(folder, ".", &info, 0));
  MUST(fchmodat(AT_FDCWD, "a", 0600, 0));
  MUST(fchownat(AT_FDCWD, "a", -1, -1, 0));
  MUST(openat(folder, "new", O_CREAT | O_WRONLY, 0600));
  MUST(unlinkat(folder, "new", 0));
  MUST(mkfifo("f", 0600));
  MUST(mkfifoat(folder, "f", 0600));
  MUST(unlink("f"));
  DIR *listing = opendir(".");
  while (readdir(listing) != NULL) {
  }
  closedir(listing);
  MUST(rmdir("d2"));
  umask(umask(0));
  MAY(getxattr("a", "user.x", buffer, 1));
  MAY(lgetxattr("a", "user.x", buffer, 1));
  MAY(fgetxattr(fd, "user.x", buffer, 1));
  MAY(listxattr("a", buffer, 1));
  MAY(llistxattr("a", buffer, 1));
  MAY(flistxattr(fd, buffer, 1));
  int watch, pipes[2], more_pipes[2];
  MUST(watch = inotify_init());
  MAY(inotify_rm_watch(watch, 1));
  MUST(inotify_init1(IN_CLOEXEC));
  MUST(pipe(pipes));
  MUST(pipe2(more_pipes, O_NONBLOCK));
  MUST(dup(fd));
  MUST(dup2(fd, 60));
  MUST(dup3(fd, 61, O_CLOEXEC));
  descriptors_and_locks(fd, pipes[1]);
  off_t at = 0;
  MUST(lseek(fd, 0, SEEK_SET));
  MUST(sendfile(pipes[1], fd, &at, 4));
  MUST(tee(pipes[0], more_pipes[1], 4, 0));
  MUST(splice(pipes[0], NULL, more_pipes[1], NULL, 4, 0));
  loff_t from = 0, to = 20;
  MUST(copy_file_range(fd, &from, fd, &to, 5, 0));
  MUST(ioctl(pipes[0], FIONREAD, buffer));
  MUST(ioctl(pipes[0], FIONBIO, buffer));
  MUST(ioctl(pipes[0], FIOCLEX));
  MUST(ioctl(pipes[0], FIONCLEX));
#ifdef __GLIBC__
  MUST(close_range(60, 70, 0));
#endif
  isatty(0);
  char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  MUST(msync(memory, 4096, MS_SYNC));
  MUST(mprotect(memory, 4096, PROT_READ));
  MUST(madvise(memory, 4096, MADV_WILLNEED));
  MAY(mlock(memory, 4096));
#ifdef __GLIBC__
  MAY(mlock2(memory, 4096, MLOCK_ONFAULT));
#endif
  MUST(munlock(memory, 4096));
  memory = mremap(memory, 4096, 8192, MREMAP_MAYMOVE);
  MUST(munmap(memory, 8192));
  MUST(memfd_create("m", 0));
  free(realloc(malloc(1 << 20), 1 << 24));
}

static void *thread(void *lock) {
  char name[16];
  prctl(PR_SET_NAME, "work", 0, 0, 0);
  prctl(PR_GET_NAME, name, 0, 0, 0);
  pthread_mutex_lock(lock);
  pthread_mutex_unlock(lock);
  return NULL;
}

static void on_signal(int number) { (void)number; }

static void processes(void) {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_t other;
  sched_yield();
  pthread_mutex_lock(&lock);
  pthread_create(&other, NULL, thread, &lock);
  pthread_mutex_unlock(&lock);
  pthread_join(other, NULL);
  pid_t child;
  MUST(child = fork());
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setpgid(0, 0);
    setsid();
    const int program = open("/bin/true", O_RDONLY);
    fexecve(program, (char *[]){"true", NULL}, environ);
    _exit(1);
  }
  MUST(waitpid(child, NULL, 0));
  if ((child = vfork()) == 0) {
    execl("/bin/true", "true", NULL);
    _exit(1);
  }
  siginfo_t how;
  MUST(waitid(P_PID, child, &how, WEXITED));
  posix_spawn(&child, "/bin/true", NULL, NULL, (char *[]){"true", NULL}, environ);
  MUST(wait(NULL));
  gid_t groups[64];
  uid_t r, e, s;
  getpid(), getppid(), getpgrp(), getpgid(0), getsid(0), getuid(), geteuid(), getgid(), getegid(), getgroups(64, groups);
  getresuid(&r, &e, &s), getresgid(&r, &e, &s);
  /* Servers give up rights that they do not have. */
  MAY(setuid(getuid()));
  MAY(setgid(getgid()));
  MAY(setreuid(-1, getuid()));
  MAY(setregid(-1, getgid()));
  MAY(setresuid(-1, getuid(), -1));
  MAY(setresgid(-1, getgid(), -1));
  MAY(setgroups(0, NULL));
  MAY(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  MAY(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  MAY(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  MAY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  MAY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  MUST(personality(0xffffffff));
  MUST(personality(0));
  struct rlimit limit;
  struct rusage used;
  struct tms ticks;
  MUST(getrlimit(RLIMIT_CORE, &limit));
  MUST(setrlimit(RLIMIT_CORE, &limit));
  MUST(prlimit(0, RLIMIT_CORE, NULL, &limit));
  MUST(getrusage(RUSAGE_SELF, &used));
  MUST(times(&ticks));
  getpriority(PRIO_PROCESS, 0);
  MUST(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0)));
  cpu_set_t processors;
  struct sched_param priority;
  int kind;
  MUST(sched_getaffinity(0, sizeof processors, &processors));
  MUST(sched_setaffinity(0, sizeof processors, &processors));
  MUST(pthread_getschedparam(pthread_self(), &kind, &priority));
  MUST(pthread_setschedparam(pthread_self(), kind, &priority) == 0 ? 0 : -1);
  MUST(sched_get_priority_max(SCHED_FIFO));
  MUST(sched_get_priority_min(SCHED_FIFO));
  sched_getcpu();
  struct utsname name;
  struct sysinfo machine;
  MUST(uname(&name));
  MUST(sysinfo(&machine));
}

static void signals_and_time(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigset_t some, pending;
  sigemptyset(&some);
  sigaddset(&some, SIGUSR1);
  MUST(sigaction(SIGALRM, &action, NULL));
  MUST(sigaction(SIGUSR2, &action, NULL));
  alarm(1);
  struct itimerval soon = {{0, 0}, {0, 1000}}, left;
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  MUST(getitimer(ITIMER_REAL, &left));
  pause();
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  MUST(sigaltstack(&stack, NULL));
  MUST(sigprocmask(SIG_BLOCK, &some, NULL));
  MUST(kill(getpid(), SIGUSR1));
  MUST(sigpending(&pending));
  MUST(sigwaitinfo(&some, NULL));
  MUST(raise(SIGUSR2));
  MUST(pthread_kill(pthread_self(), SIGUSR2) == 0 ? 0 : -1);
  MUST(sigqueue(getpid(), SIGUSR1, (union sigval){0}));
#ifdef __GLIBC__
  MUST(pthread_sigqueue(pthread_self(), SIGUSR1, (union sigval){0}) == 0 ? 0 : -1);
#endif
  MUST(signalfd(-1, &some, SFD_NONBLOCK));
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  sigsuspend(&some);
  struct timespec moment = {0, 1000}, now;
  struct timeval day;
  MUST(nanosleep(&moment, NULL));
  MUST(clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL) == 0 ? 0 : -1);
  MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now));
  MUST(clock_getres(CLOCK_MONOTONIC, &now));
  MUST(gettimeofday(&day, NULL));
  MUST(time(NULL));
  timer_t timer;
  struct sigevent quiet = {.sigev_notify = SIGEV_NONE};
  struct itimerspec in_a_while = {{0, 0}, {10, 0}}, rest;
  MUST(timer_create(CLOCK_MONOTONIC, &quiet, &timer));
  MUST(timer_settime(timer, 0, &in_a_while, NULL));
  MUST(timer_gettime(timer, &rest));
  MUST(timer_getoverrun(timer));
  MUST(timer_delete(timer));
  int fd;
  MUST(fd = timerfd_create(CLOCK_MONOTONIC, 0));
  MUST(timerfd_settime(fd, 0, &in_a_while, NULL));
  MUST(timerfd_gettime(fd, &rest));
}

static void waiting_and_sockets(void) {
  int fd, one = 1, pair[2];
  struct epoll_event event = {.events = EPOLLIN};
  struct timespec moment = {0, 1000};
  struct timeval short_time = {0, 1000};
  MUST(fd = epoll_create(1));
  MUST(epoll_create1(EPOLL_CLOEXEC));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  MUST(epoll_ctl(fd, EPOLL_CTL_ADD, pair[0], &event));
  MUST(epoll_wait(fd, &event, 1, 1));
  MUST(epoll_pwait(fd, &event, 1, 1, NULL));
#ifdef __GLIBC__
  MUST(epoll_pwait2(fd, &event, 1, &moment, NULL));
#endif
  struct pollfd line = {pair[0], POLLIN, 0};
  MUST(poll(&line, 1, 1));
  MUST(ppoll(&line, 1, &moment, NULL));
  MUST(select(0, NULL, NULL, NULL, &short_time));
  MUST(pselect(0, NULL, NULL, NULL, &moment, NULL));
  MUST(eventfd(0, 0));
  int server, client, peer;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  MUST(server = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
  MUST(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
  length = sizeof one;
  MUST(getsockopt(server, SOL_SOCKET, SO_ERROR, &one, &length));
  MUST(bind(server, (void *)&address, sizeof address));
  MUST(listen(server, 5));
  length = sizeof address;
  MUST(getsockname(server, (void *)&address, &length));
  MUST(client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  MUST(connect(client, (void *)&address, sizeof address));
  MUST(peer = accept(server, NULL, NULL));
  MUST(getpeername(client, (void *)&address, &length));
  MUST(send(client, "xy", 2, 0));
  MUST(recv(peer, &one, 1, 0));
  struct iovec part = {&one, 1};
  struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}}};
  MUST(sendmsg(peer, &messages[0].msg_hdr, 0));
  MUST(recvmsg(client, &messages[0].msg_hdr, 0));
  MUST(sendmmsg(client, messages, 1, 0));
  MUST(recvmmsg(peer, messages, 1, 0, NULL));
  MUST(shutdown(client, SHUT_RDWR));
  MUST(client = socket(AF_INET, SOCK_STREAM, 0));
  MUST(getsockname(server, (void *)&address, &length));
  MUST(connect(client, (void *)&address, sizeof address));
  MUST(accept4(server, NULL, NULL, SOCK_NONBLOCK));
  MUST(socket(AF_INET, SOCK_DGRAM, 0));
  MUST(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
  MUST(socket(AF_INET6, SOCK_STREAM, 0));
  MUST(socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP));
  MUST(socket(AF_INET6, SOCK_DGRAM, 0));
  MUST(socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
  MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  struct winsize window;
  MAY(ioctl(0, TIOCGWINSZ, &window));
  struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG}, *found;
  if (getaddrinfo("localhost", "80", &hints, &found) == 0) freeaddrinfo(found);
  struct ifaddrs *interfaces;
  MUST(getifaddrs(&interfaces));
  freeifaddrs(interfaces);
  unsigned char random[16];
  MUST(getentropy(random, sizeof random));
}

static void between_processes(void) {
  int id;
  struct sembuf up = {0, 1, 0};
  struct timespec moment = {0, 1000};
  struct { long kind; char text[8]; } message = {1, "x"};
  MUST(id = shmget(IPC_PRIVATE, 4096, 0600));
  void *memory = shmat(id, NULL, 0);
  MUST(shmdt(memory));
  MUST(shmctl(id, IPC_RMID, NULL));
  MUST(id = semget(IPC_PRIVATE, 1, 0600));
  MUST(semop(id, &up, 1));
  MUST(semtimedop(id, &up, 1, &moment));
  MUST(semctl(id, 0, IPC_RMID));
  MUST(id = msgget(IPC_PRIVATE, 0600));
  MUST(msgsnd(id, &message, 8, 0));
  MUST(msgrcv(id, &message, 8, 0, 0));
  MUST(msgctl(id, IPC_RMID, NULL));
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  mqd_t queue;
  char name[32];
  snprintf(name, sizeof name, "/work-%d", getpid());
  MUST(queue = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes));
  MUST(mq_send(queue, "x", 1, 0));
  MUST(mq_receive(queue, message.text, 8, NULL));
  MUST(mq_getattr(queue, &attributes));
  struct sigevent quiet = {.sigev_notify = SIGEV_NONE};
  MUST(mq_notify(queue, &quiet));
  MUST(mq_unlink(name));
  sem_t *semaphore = sem_open(name, O_CREAT, 0600, 1);
  MUST(sem_wait(semaphore));
  MUST(sem_post(semaphore));
  MUST(sem_unlink(name));
  snprintf(name, sizeof name, "/work-%d", getpid());
  MUST(shm_open(name, O_CREAT | O_RDWR, 0600));
  MUST(shm_unlink(name));
}

int main(void) {
  files();
  processes();
  signals_and_time();
  waiting_and_sockets();
  between_processes();
  puts("done");
  return 0;
}
