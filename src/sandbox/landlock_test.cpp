#include "sandbox/landlock.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "sandbox/sandbox_fixture.h"

namespace lambent::sandbox {
namespace {

// The exit status of a child that does this behind the wall. The mounts of this machine stand open to it: what is
// refused, Landlock refuses.
int behind_the_wall(const std::string& folder, const std::function<int()>& action) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const auto rules = make_landlock_rules({folder});
    if (!rules || !rules->valid() || !enter_landlock(*rules)) _exit(255);
    _exit(action());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int error_of(int result) {
  return result < 0 ? errno : 0;
}

class Landlock : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GT(landlock_version(), 0) << "this kernel has no Landlock";
    // Not under /tmp, where all may be written.
    char own[] = "/var/tmp/landlock-XXXXXX";
    ASSERT_NE(mkdtemp(own), nullptr);
    folder_ = own;
    ASSERT_EQ(mkdir((folder_ + "/granted").c_str(), 0700), 0);
    close(open((folder_ + "/file").c_str(), O_CREAT | O_WRONLY, 0600));
  }
  void TearDown() override {
    for (const char* name : {"/granted/new", "/file", "/new"}) unlink((folder_ + name).c_str());
    for (const char* name : {"/granted", ""}) rmdir((folder_ + name).c_str());
  }
  int try_it(const std::function<int()>& action) { return behind_the_wall(folder_ + "/granted", action); }

  std::string folder_;
};

TEST_F(Landlock, WritesNothingButWhereItIsGranted) {
  const std::string file = folder_ + "/file";
  const std::string made = folder_ + "/new";
  const std::string granted = folder_ + "/granted/new";
  EXPECT_EQ(try_it([&] { return error_of(open(file.c_str(), O_RDONLY)); }), 0);
  EXPECT_EQ(try_it([&] { return error_of(open(file.c_str(), O_WRONLY)); }), EACCES);
  EXPECT_EQ(try_it([&] { return error_of(truncate(file.c_str(), 0)); }), landlock_version() >= 3 ? EACCES : 0);
  EXPECT_EQ(try_it([&] { return error_of(open(made.c_str(), O_WRONLY | O_CREAT, 0600)); }), EACCES);
  EXPECT_EQ(try_it([&] { return error_of(unlink(file.c_str())); }), EACCES);
  EXPECT_EQ(try_it([&] { return error_of(mkdir(made.c_str(), 0700)); }), EACCES);
  EXPECT_NE(try_it([&] { return error_of(rename(file.c_str(), granted.c_str())); }), 0);
  EXPECT_EQ(try_it([&] { return error_of(open(granted.c_str(), O_WRONLY | O_CREAT, 0600)); }), 0);
  EXPECT_EQ(try_it([&] { return error_of(open("/dev/null", O_RDWR | O_TRUNC)); }), 0);
  EXPECT_EQ(try_it([&] {
              return error_of(open("/dev/shm/landlock-test", O_RDWR | O_CREAT, 0600)) |
                     error_of(unlink("/dev/shm/landlock-test"));
            }),
            0);
}

TEST_F(Landlock, KeepsSignalsInside) {
  if (landlock_version() < 6) GTEST_SKIP() << "Landlock of this kernel does not hold signals";
  const pid_t parent = getpid();
  EXPECT_EQ(try_it([&] { return error_of(kill(parent, 0)); }), EPERM);
  EXPECT_EQ(try_it([] {
              const pid_t child = fork();
              if (child == 0) return pause();
              const int error = error_of(kill(child, SIGKILL));
              waitpid(child, nullptr, 0);
              return error;
            }),
            0);
}

TEST(LandlockReport, NamesWhatIsMissing) {
  EXPECT_EQ(landlock_capability(0).level, Enforcement::none);
  EXPECT_NE(landlock_capability(0).remedy, "");
  EXPECT_EQ(landlock_capability(2).level, Enforcement::partial);
  EXPECT_NE(landlock_capability(2).remedy.find("truncation"), std::string::npos);
  EXPECT_EQ(landlock_capability(5).level, Enforcement::partial);
  EXPECT_EQ(landlock_capability(6).level, Enforcement::full);
  EXPECT_EQ(landlock_capability(6).remedy, "");
}

class LandlockInside : public SandboxFixture {};

TEST_F(LandlockInside, IsReported) {
  const auto* capability = report_.find("second wall around files");
  ASSERT_NE(capability, nullptr);
  EXPECT_EQ(capability->level, landlock_capability(landlock_version()).level);
}

// The wall itself, seen from inside: a process of the same user in the same pid namespace, brought in from outside,
// that nothing else keeps a signal from.
TEST_F(LandlockInside, StandsAroundThePrograms) {
  if (landlock_version() < 6) GTEST_SKIP() << "Landlock of this kernel does not hold signals";
  ASSERT_EQ(geteuid(), 0U) << "runs as root";
  Child child = launch(python(
      "import os, time\nprint('started', flush=True)\nfound = None\nwhile found is None:\n  for pid in range(3, 100):\n"
      "    try: os.kill(pid, 0); found = 'signalled'\n"
      "    except ProcessLookupError: pass\n"
      "    except PermissionError: found = 'refused'\n"
      "  time.sleep(0.01)\nprint(found)"));
  struct stat log{};
  ASSERT_EQ(fstat(child.log.get(), &log), 0);
  const pid_t visitor = fork();
  if (visitor == 0) {
    // The log pipe belongs to the sandbox's user.
    if (setns(child.pidfd.get(), CLONE_NEWPID) != 0) _exit(1);
    const pid_t inside = fork();
    if (inside == 0) {
      if (setresgid(log.st_gid, log.st_gid, log.st_gid) != 0 || setresuid(log.st_uid, log.st_uid, log.st_uid) != 0)
        _exit(1);
      pause();
    }
    waitpid(inside, nullptr, 0);
    _exit(0);
  }
  EXPECT_EQ(read_log(child), "started\nrefused\n");
  kill(visitor, SIGKILL);
  waitpid(visitor, nullptr, 0);
  wait_for(child.id);
}

TEST_F(LandlockInside, LetsProgramsSignalWorkInTmpAndUseTheirDevices) {
  EXPECT_EQ(output_of(python(
                "import os, signal, socket, subprocess, multiprocessing.shared_memory as m\n"
                "p = subprocess.Popen(['sleep', '60']); p.terminate(); print(p.wait(), flush=True)\n"
                "os.mkdir('/tmp/a'); os.mkdir('/tmp/b'); open('/tmp/a/x', 'w').close()\n"
                "os.rename('/tmp/a/x', '/tmp/b/x'); os.link('/tmp/b/x', '/tmp/a/y'); os.remove('/tmp/b/x')\n"
                "os.truncate('/tmp/a/y', 5); os.symlink('y', '/tmp/a/z'); os.mkfifo('/tmp/a/f')\n"
                "s = m.SharedMemory(create=True, size=4096); s.buf[0] = 1; s.close(); s.unlink()\n"
                "open('/dev/null', 'w').write('x'); open('/dev/stdout', 'w').write('reopened\\n')\n"
                "a = socket.socket(socket.AF_UNIX); a.bind('\\0name'); a.listen()\n"
                "b = socket.socket(socket.AF_UNIX); b.connect('\\0name')\n"
                "c = socket.socket(socket.AF_UNIX); c.bind('/tmp/sock'); os.kill(os.getpid(), 0); print('done')")),
            "-15\nreopened\ndone\n");
}

}  // namespace
}  // namespace lambent::sandbox
