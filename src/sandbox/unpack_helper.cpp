#include "sandbox/unpack_helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "sandbox/capabilities.h"
#include "sandbox/child_channel.h"
#include "sandbox/mounts.h"
#include "sandbox/namespaces.h"
#include "sandbox/packet_io.h"
#include "sandbox/rlimits.h"
#include "sandbox/unzip.h"

namespace lambent::sandbox {
namespace {

constexpr std::uint64_t kAddressBytes = 1024 * kMiB;
constexpr uid_t kInsideId = 1;

// The recipe; see prepare() for the order of the user namespace.
Result<> confine_helper(const UnpackRequest& request, const Identity& identity, int line) {
  const std::array keep{request.archive, request.destination, request.host_proc, line};
  close_all_but(keep);
  LAMBENT_TRY_VOID(make_mounts_private());
  LAMBENT_TRY_VOID(enter_folder_as_root(request.destination, request.host_proc));
  LAMBENT_TRY_VOID(become_host_user(identity));
  LAMBENT_TRY_VOID(enter_user_namespace(identity, request.host_proc));
  close(request.host_proc);
  close(request.destination);  // a way back to the old mount; the root is the folder now
  const auto cpu_seconds = std::chrono::ceil<std::chrono::seconds>(request.limits.time).count() + 1;
  LAMBENT_TRY_VOID(set_helper_limits({.address_bytes = kAddressBytes,
                                      .cpu_seconds = static_cast<std::uint64_t>(cpu_seconds),
                                      .file_bytes = request.limits.unzipped_bytes + kMiB}));
  LAMBENT_TRY_VOID(give_up_rights(line));
  return install_seccomp(request.filter);
}

[[noreturn]] void run_helper(const UnpackRequest& request, const Identity& identity, int line) {
  auto report = protocol::make<protocol::Unpacked>(protocol::Type::unpacked, 1);
  report.failure = static_cast<std::uint32_t>(UnpackFailure::internal);
  signal(SIGXFSZ, SIG_IGN);
  umask(0);
  if (const auto confined = confine_helper(request, identity, line); !confined) {
    protocol::put_text(report.detail, confined.error().message());
  } else if (const int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC); root < 0) {
    protocol::put_text(report.detail, Error::from_errno("open", "destination").message());
  } else if (const auto outcome = unzip(request.archive, root, request.limits); outcome) {
    report.failure = static_cast<std::uint32_t>(UnpackFailure::none);
    report.entries = outcome->entries;
    report.bytes = outcome->bytes;
  } else {
    report.failure = static_cast<std::uint32_t>(outcome.error().failure);
    protocol::put_text(report.detail, outcome.error().detail);
  }
  const auto sent = send_packet(line, std::as_bytes(std::span(&report, 1)));
  _exit(sent ? 0 : 1);
}

}  // namespace

Result<UnpackJob> start_unpack(const UnpackRequest& request) {
  struct stat folder{};
  struct stat archive{};
  if (fstat(request.destination, &folder) != 0) return fail_errno("stat", "destination");
  if (fstat(request.archive, &archive) != 0) return fail_errno("stat", "archive");
  if (!S_ISDIR(folder.st_mode)) return fail({"unpack", "destination", ENOTDIR, ""});
  if (!S_ISREG(archive.st_mode)) return fail(Error::of("unpack", "archive", "not a regular file"));
  const Identity identity = request.is_privileged ? Identity{folder.st_uid, folder.st_gid, kInsideId, kInsideId, true}
                                                  : Identity{geteuid(), getegid(), kInsideId, kInsideId, false};
  UnpackJob job;
  job.deadline = std::chrono::steady_clock::now() + request.limits.time;
  job.destination.reset(fcntl(request.destination, F_DUPFD_CLOEXEC, 3));
  LAMBENT_TRY(auto line, make_child_channel());
  LAMBENT_TRY(auto cloned, clone_into(kSandboxNamespaces));
  if (cloned.pid == 0) run_helper(request, identity, line.second.get());
  job.pidfd = std::move(cloned.pidfd);
  job.line = std::move(line.first);
  return job;
}

void UnpackJob::stop_for_time() {
  if (is_out_of_time) return;
  is_out_of_time = true;
  syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

protocol::Unpacked UnpackJob::outcome() {
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED);
  auto report = protocol::make<protocol::Unpacked>(protocol::Type::unpacked, 1);
  auto packet = receive_packet(line.get(), std::as_writable_bytes(std::span(&report, 1)), MSG_DONTWAIT);
  if (packet && packet->bytes == sizeof report && report.header.type == protocol::Type::unpacked &&
      report.header.id == 1 && protocol::is_valid(report)) {
    return report;
  }
  // Stopped before it could tidy up and report.
  empty_folder(destination.get());
  report = protocol::make<protocol::Unpacked>(protocol::Type::unpacked, 1);
  const bool is_time = is_out_of_time || (info.si_code == CLD_KILLED && info.si_status == SIGXCPU);
  report.failure = static_cast<std::uint32_t>(is_time ? UnpackFailure::time_limit : UnpackFailure::internal);
  protocol::put_text(report.detail, is_time ? "the archive takes too long to unpack" : "the unpacking helper died");
  return report;
}

}  // namespace lambent::sandbox
