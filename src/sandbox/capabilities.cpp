#include "sandbox/capabilities.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>

namespace lambent::sandbox {
namespace {

constexpr unsigned long kLockedBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                      SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                      SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

Result<> empty_bounding_set() {
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) < 0) return {};  // past the last one that the kernel knows
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return fail_errno("prctl", "PR_CAPBSET_DROP");
  }
  return {};
}

std::array<__user_cap_data_struct, 2> bits_of(std::span<const int> capabilities) {
  std::array<__user_cap_data_struct, 2> sets{};
  for (const int capability : capabilities) {
    const auto at = static_cast<std::size_t>(capability);
    sets[at / 32].effective |= 1U << (at % 32);
  }
  for (auto& set : sets) set.permitted = set.effective;
  return sets;
}

Result<bool> read_capability(unsigned capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return fail_errno("capget");
  return (sets[capability / 32].effective >> (capability % 32) & 1U) != 0;
}

}  // namespace

bool has_capability(unsigned capability) {
  return read_capability(capability).value_or(false);
}

Result<> drop_all_capabilities() {
  // Without CAP_SETPCAP there is nothing to lose: no_new_privs keeps program files from giving any.
  LAMBENT_TRY(const bool may_empty, read_capability(CAP_SETPCAP));
  if (may_empty) {
    if (prctl(PR_SET_SECUREBITS, kLockedBits, 0, 0, 0) != 0) return fail_errno("prctl", "PR_SET_SECUREBITS");
    LAMBENT_TRY_VOID(empty_bounding_set());
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return fail_errno("prctl", "PR_CAP_AMBIENT");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) return fail_errno("capset", "none");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("prctl", "PR_SET_NO_NEW_PRIVS");
  return {};
}

Result<> keep_capabilities(std::span<const int> kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  auto sets = bits_of(kept);
  std::array<__user_cap_data_struct, 2> now{};
  if (syscall(SYS_capget, &header, now.data()) != 0) return fail_errno("capget");
  if (has_capability(CAP_SETPCAP)) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
      if (std::ranges::count(kept, capability) > 0) continue;
      if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return fail_errno("prctl", "PR_CAPBSET_DROP");
    }
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return fail_errno("prctl", "PR_CAP_AMBIENT");
  for (std::size_t i = 0; i < sets.size(); ++i) {
    sets[i].permitted &= now[i].permitted;
    sets[i].effective = sets[i].permitted;
  }
  if (syscall(SYS_capset, &header, sets.data()) != 0) return fail_errno("capset");
  return {};
}

Result<> pass_capabilities_on(std::span<const int> kept) {
  LAMBENT_TRY_VOID(keep_capabilities(kept));
  auto sets = bits_of(kept);
  for (auto& half : sets) half.effective = half.inheritable = half.permitted;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  if (syscall(SYS_capset, &header, sets.data()) != 0) return fail_errno("capset");
  for (const int capability : kept) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) {
      return fail_errno("prctl", "PR_CAP_AMBIENT_RAISE");
    }
  }
  return {};
}

bool holds_only(std::span<const int> kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const auto sets = bits_of(kept);
  std::array<__user_cap_data_struct, 2> now{};
  if (syscall(SYS_capget, &header, now.data()) != 0) return false;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if ((now[i].permitted & ~sets[i].permitted) != 0 || now[i].inheritable != 0) return false;
  }
  return true;
}

bool has_host_privileges() {
  for (const unsigned capability : {CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_NET_ADMIN}) {
    if (!has_capability(capability)) return false;
  }
  return true;
}

bool is_known_id(std::uint32_t first, std::uint32_t count) {
  const auto covers = [&](const char* path) {
    std::ifstream map(path);
    std::uint64_t inside = 0;
    std::uint64_t outside = 0;
    std::uint64_t length = 0;
    while (map >> inside >> outside >> length) {
      if (first >= inside && std::uint64_t{first} + count <= inside + length) return true;
    }
    return false;
  };
  return covers("/proc/self/uid_map") && covers("/proc/self/gid_map");
}

Result<> give_up_rights(int parent_line) {
  LAMBENT_TRY_VOID(drop_all_capabilities());
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
  if (parent_line < 0) return {};
  // Changes of user and capabilities clear this, so it comes after them.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_errno("prctl", "PR_SET_PDEATHSIG");
  pollfd line{parent_line, 0, 0};
  if (poll(&line, 1, 0) != 0) return fail(Error::of("give up rights", "parent", "is gone"));
  return {};
}

}  // namespace lambent::sandbox
