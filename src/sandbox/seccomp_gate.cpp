// The few instructions before a profile's own in the filter of a template that runs user code.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>

#include "base/files.h"
#include "sandbox/seccomp.h"

namespace lambent::sandbox {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

constexpr std::uint32_t kFirstLandlockCall =
    444;  // create_ruleset, add_rule, restrict_self: the same number everywhere

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

}  // namespace

SeccompProgram gate_setns(std::span<const sock_filter> program) {
  SeccompProgram gated{
      load(offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      BPF_STMT(BPF_JMP | BPF_JA, 0),  // to the profile, which ends the process; its distance is set below
      load(offsetof(seccomp_data, nr)),
  };
  const std::size_t foreign = 2;
  const auto answer = [&](std::uint32_t call, std::uint32_t action) {
    gated.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    gated.push_back(BPF_STMT(BPF_RET | BPF_K, action));
  };
  answer(SYS_setns, SECCOMP_RET_USER_NOTIF);
  answer(SYS_capset, SECCOMP_RET_ALLOW);
  answer(SYS_seccomp, SECCOMP_RET_ALLOW);
  for (std::uint32_t i = 0; i < 3; ++i) answer(kFirstLandlockCall + i, SECCOMP_RET_ALLOW);
  constexpr std::array kGivingUp{PR_SET_SECUREBITS, PR_CAPBSET_DROP, PR_CAP_AMBIENT};
  gated.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1 + 2 * kGivingUp.size()));
  gated.push_back(load(offsetof(seccomp_data, args)));  // the lower half of the first argument
  for (const int option : kGivingUp) answer(static_cast<std::uint32_t>(option), SECCOMP_RET_ALLOW);
  gated[foreign].k = static_cast<std::uint32_t>(gated.size() - foreign - 1);
  gated.insert(gated.end(), program.begin(), program.end());
  return gated;
}

Result<UniqueFd> file_of_filter(std::span<const sock_filter> program) {
  UniqueFd file(memfd_create("filter", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail_errno("memfd_create");
  const auto bytes = std::as_bytes(program);
  LAMBENT_TRY_VOID(write_all(file.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "filter"));
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return fail_errno("fcntl", "seals");
  }
  return file;
}

}  // namespace lambent::sandbox
