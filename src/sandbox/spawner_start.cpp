// Starting the spawner process from the server.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "sandbox/spawner_client.h"

namespace lambent::sandbox {

Result<SpawnerProcess> start_spawner() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno("socketpair");
  SpawnerProcess process;
  process.socket.reset(ends[0]);
  UniqueFd far_end(ends[1]);
  const std::string number = std::to_string(far_end.get());
  process.pid = fork();
  if (process.pid < 0) return fail_errno("fork", "spawner");
  if (process.pid == 0) {
    fcntl(far_end.get(), F_SETFD, 0);  // this one descriptor passes the exec
    execl("/proc/self/exe", "lambent", "spawner", number.c_str(), nullptr);
    _exit(127);
  }
  return process;
}

}  // namespace lambent::sandbox
