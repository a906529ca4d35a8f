#include "sandbox/namespace_report.h"

#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/files.h"
#include "sandbox/namespaces.h"

namespace lambent::sandbox {
namespace {

struct Kind {
  const char* name;
  std::uint64_t flag;
};

constexpr Kind kKinds[] = {{"user namespace", CLONE_NEWUSER},    {"pid namespace", CLONE_NEWPID},
                           {"mount namespace", CLONE_NEWNS},     {"network namespace", CLONE_NEWNET},
                           {"ipc namespace", CLONE_NEWIPC},      {"uts namespace", CLONE_NEWUTS},
                           {"cgroup namespace", CLONE_NEWCGROUP}};

Result<> try_one(std::uint64_t flags) {
  LAMBENT_TRY(const auto cloned, clone_into(flags));
  if (cloned.pid == 0) _exit(0);
  int status = 0;
  while (waitpid(cloned.pid, &status, 0) < 0 && errno == EINTR) {
  }
  return {};
}

// The settings by which hosts take user namespaces from ordinary users.
std::string why_no_user_namespace() {
  const auto is = [](const char* path, std::string_view value) {
    const auto text = read_file(path, 64);
    return text && text->substr(0, text->find('\n')) == value;
  };
  if (is("/proc/sys/user/max_user_namespaces", "0")) return "set user.max_user_namespaces above 0";
  if (is("/proc/sys/kernel/unprivileged_userns_clone", "0")) return "set kernel.unprivileged_userns_clone = 1";
  if (is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1")) {
    return "AppArmor restricts them: set kernel.apparmor_restrict_unprivileged_userns = 0, or give lambent a profile "
           "with userns";
  }
  return "in a container, let it make user namespaces";
}

}  // namespace

void report_namespaces(HostReport& report, const Result<>& whole, const std::string& means) {
  bool is_explained = whole.has_value();
  for (const auto& [name, flag] : kKinds) {
    Result<> tried;
    if (!whole) {
      tried = try_one(flag);
      if (!tried && flag != CLONE_NEWUSER) tried = try_one(flag | CLONE_NEWUSER);
    }
    std::string remedy;
    if (!tried) remedy = tried.error().message();
    if (!tried && flag == CLONE_NEWUSER) remedy += "; " + why_no_user_namespace();
    if (!tried) is_explained = true;
    report.capabilities.push_back({name, tried ? Enforcement::full : Enforcement::none, tried ? means : "", remedy});
  }
  if (is_explained) return;
  for (auto& one : report.capabilities) {
    if (one.name == "mount namespace") one = {one.name, Enforcement::none, "", whole.error().message()};
  }
}

}  // namespace lambent::sandbox
