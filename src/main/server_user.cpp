#include "main/server_user.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/files.h"
#include "base/log.h"
#include "sandbox/capabilities.h"

namespace lambent {
namespace {

std::optional<uid_t> number_of(const std::string& text) {
  uid_t id = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

// From an account's name, or a number whether or not an account has it.
Result<ServerUser> look_up(const std::string& setting) {
  const auto id = number_of(setting);
  const passwd* account = id ? getpwuid(*id) : getpwnam(setting.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  if (account != nullptr) return ServerUser{account->pw_uid, account->pw_gid, account->pw_name};
  if (id) return ServerUser{*id, *id, setting};
  if (setting == kServerAccount) return ServerUser{kDedicatedId, kDedicatedId, std::to_string(kDedicatedId)};
  return fail(Error::of("find user", setting, "this host has no such account; make it, or set user to another"));
}

}  // namespace

Result<std::optional<ServerUser>> find_server_user(const std::string& setting) {
  if (geteuid() != 0) return std::nullopt;
  LAMBENT_TRY(ServerUser user, look_up(setting));
  if (user.uid == 0) {
    log::warning("the server keeps root's user id, as the setting user says");
    return std::nullopt;
  }
  if (!sandbox::is_known_id(user.uid, 1)) {
    log::warning("user id {} does not exist in this user namespace: the server keeps the id that it has", user.uid);
    return std::nullopt;
  }
  return user;
}

Result<> give_up_rights(const std::optional<ServerUser>& user) {
  if (user) {
    // Capabilities stay over the change of user, so that the bounding set can be emptied after it.
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0) return fail_errno("prctl", "PR_SET_SECUREBITS");
    if (setgroups(0, nullptr) != 0) return fail_errno("setgroups");
    if (setresgid(user->gid, user->gid, user->gid) != 0) return fail_errno("become group of", user->name);
    if (setresuid(user->uid, user->uid, user->uid) != 0) return fail_errno("become user", user->name);
    if (chdir("/") != 0) return fail_errno("chdir", "/");  // where it was started may be closed to it
  }
  LAMBENT_TRY_VOID(sandbox::drop_all_capabilities());
#if !__has_feature(address_sanitizer)  // LeakSanitizer traces its own process
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
#endif
  return {};
}

sandbox::Capability report_server_rights() {
  using sandbox::Enforcement;
  const char* name = "server's rights";
  if (!sandbox::holds_only({}) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
    return {name, Enforcement::none, "", "the process has not given its rights up"};
  }
  if (geteuid() == 0) {
    return {name, Enforcement::partial, "no capabilities, but root's user id",
            "let it become another user: user = \"lambent\", with the right to change ids"};
  }
  return {name, Enforcement::full, fmt::format("no capabilities, no_new_privs, user id {}", geteuid()), ""};
}

ActingAs::ActingAs(const ServerUser& user) {
  const int count = getgroups(0, nullptr);
  groups_.resize(static_cast<std::size_t>(std::max(count, 0)));
  groups_.resize(static_cast<std::size_t>(std::max(getgroups(count, groups_.data()), 0)));
  if (setgroups(0, nullptr) != 0 || setegid(user.gid) != 0 || seteuid(user.uid) != 0) {
    log::warning("cannot act as user {}", user.name);
  }
}

ActingAs::~ActingAs() {
  if (seteuid(0) != 0 || setegid(0) != 0 || setgroups(groups_.size(), groups_.data()) != 0) {
    log::warning("cannot be root again");
  }
}

}  // namespace lambent
