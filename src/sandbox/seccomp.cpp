#include "sandbox/seccomp.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/fd.h"

namespace lambent::sandbox {
namespace {

using Context = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

Result<> add_rule(scmp_filter_ctx context, const SeccompRule& rule) {
  const int number = seccomp_syscall_resolve_name(rule.call.c_str());
  if (number == __NR_SCMP_ERROR) return fail(Error::of("compile seccomp policy", rule.call, "unknown system call"));
  if (number < 0) return {};  // known to libseccomp, absent on this architecture
  std::vector<scmp_arg_cmp> comparisons;
  comparisons.reserve(rule.conditions.size());
  for (const auto& condition : rule.conditions) {
    comparisons.push_back({condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.value});
  }
  const std::uint32_t action =
      rule.error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(static_cast<std::uint32_t>(rule.error));
  if (action == SCMP_ACT_ERRNO(ENOSYS) && comparisons.empty()) return {};  // what every unnamed call gets
  const int failure =
      seccomp_rule_add_array(context, action, number, static_cast<unsigned>(comparisons.size()), comparisons.data());
  if (failure < 0) return fail({"compile seccomp policy", rule.call, -failure, ""});
  return {};
}

// libseccomp writes its program to a descriptor.
Result<SeccompProgram> export_program(scmp_filter_ctx context) {
  const UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create", "seccomp");
  if (const int failure = seccomp_export_bpf(context, file.get()); failure < 0) {
    return fail({"export seccomp filter", "", -failure, ""});
  }
  const off_t bytes = lseek(file.get(), 0, SEEK_END);
  SeccompProgram program(static_cast<std::size_t>(bytes) / sizeof(sock_filter));
  const std::size_t wanted = program.size() * sizeof(sock_filter);
  if (program.empty() || program.size() > BPF_MAXINSNS) {
    return fail(Error::of("export seccomp filter", "", "empty, or longer than the kernel takes"));
  }
  if (pread(file.get(), program.data(), wanted, 0) != static_cast<ssize_t>(wanted))
    return fail_errno("read", "seccomp");
  return program;
}

}  // namespace

Result<SeccompProgram> compile_seccomp(std::span<const SeccompRule> rules) {
  const Context context(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), seccomp_release);
  if (!context) return fail(Error::of("compile seccomp policy", "", "libseccomp gives no filter"));
  int failure = seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (failure == 0) failure = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0);
  // A balanced tree over the call numbers: some 10 comparisons a call instead of some 300.
  if (failure == 0) failure = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (failure < 0) return fail({"compile seccomp policy", "attributes", -failure, ""});
  for (const auto& rule : rules) LAMBENT_TRY_VOID(add_rule(context.get(), rule));
  return export_program(context.get());
}

Result<SeccompProgram> compile_seccomp_policy(std::string_view name) {
  const auto text = seccomp_policy_text(name);
  if (!text) return fail(Error::of("compile seccomp policy", name, "no such policy"));
  LAMBENT_TRY(const auto rules, parse_seccomp_policy(*text));
  return compile_seccomp(rules);
}

Result<SeccompPrograms> compile_seccomp_profiles() {
  SeccompPrograms programs;
  for (std::size_t i = 0; i < kSeccompProfiles; ++i) {
    LAMBENT_TRY(programs[i], compile_seccomp_policy(seccomp_policy_name(static_cast<SeccompProfile>(i))));
  }
  return programs;
}

}  // namespace lambent::sandbox
