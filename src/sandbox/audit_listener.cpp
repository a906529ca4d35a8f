#include "sandbox/audit_listener.h"

#include <arpa/inet.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include "sandbox/seccomp.h"

namespace lambent::sandbox {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kProofTime{500};
constexpr std::size_t kLongestRecord = NLMSG_HDRLEN + AUDIT_MESSAGE_TEXT_MAX;

// Everything but AUDIT_SECCOMP is dropped before it reaches the socket. Classic BPF loads in network byte order.
Result<> close_to_others(int socket) {
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(AUDIT_SECCOMP), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter{program.size(), program.data()};
  const int on = 1;
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
      setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) != 0) {
    return fail_errno("setsockopt", "audit socket");
  }
  return {};
}

// In a child: makes one call of that number, which its own filter refuses.
[[noreturn]] void make_refused_call(std::uint32_t number) {
  const std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (!install_seccomp(program, true)) _exit(1);
  syscall(static_cast<long>(number));
  _exit(0);
}

std::optional<DeniedCall> receive_record(int socket, int& failure) {
  alignas(nlmsghdr) std::array<char, kLongestRecord> packet;
  sockaddr_nl from{};
  socklen_t length = sizeof from;
  const ssize_t bytes =
      recvfrom(socket, packet.data(), packet.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &length);
  failure = bytes < 0 ? errno : 0;
  const auto* header = reinterpret_cast<const nlmsghdr*>(packet.data());
  // Only the kernel has the port 0.
  if (bytes < NLMSG_HDRLEN || from.nl_pid != 0 || header->nlmsg_type != AUDIT_SECCOMP) return std::nullopt;
  return parse_audit_record({packet.data() + NLMSG_HDRLEN, static_cast<std::size_t>(bytes) - NLMSG_HDRLEN});
}

}  // namespace

Result<AuditListener> AuditListener::open() {
  AuditListener listener(UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT)));
  if (!listener.socket_) return fail_errno("audit socket");
  LAMBENT_TRY_VOID(close_to_others(listener.socket_.get()));
  sockaddr_nl group{};
  group.nl_family = AF_NETLINK;
  group.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
  if (bind(listener.socket_.get(), reinterpret_cast<const sockaddr*>(&group), sizeof group) != 0) {
    return fail({"read audit records", "", errno, "the server must be started as root of the host (CAP_AUDIT_READ)"});
  }
  LAMBENT_TRY_VOID(listener.prove());
  return listener;
}

Result<> AuditListener::prove() {
  // No call has such a number, and no two processes of a host the same.
  const auto number = 0x2000'0000U + static_cast<std::uint32_t>(getpid());
  const pid_t child = fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) make_refused_call(number);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  const auto deadline = steady_clock::now() + kProofTime;
  for (auto now = steady_clock::now(); now < deadline; now = steady_clock::now()) {
    pollfd readable{socket_.get(), POLLIN, 0};
    poll(&readable, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count()));
    int failure = 0;
    const auto call = receive_record(socket_.get(), failure);
    if (call && call->number == number) return {};
  }
  return fail(Error::of("read audit records", "",
                        "none came of a call that was refused: audit is off in the kernel, errno is not in "
                        "/proc/sys/kernel/seccomp/actions_logged, or this is not the host's network namespace"));
}

std::vector<DeniedCall> AuditListener::take(std::size_t most, bool& lost) {
  std::vector<DeniedCall> calls;
  lost = false;
  for (std::size_t i = 0; i < most; ++i) {
    int failure = 0;
    const auto call = receive_record(socket_.get(), failure);
    if (failure == ENOBUFS) {
      lost = true;
    } else if (failure != 0) {
      break;
    }
    if (call) calls.push_back(*call);
  }
  return calls;
}

}  // namespace lambent::sandbox
