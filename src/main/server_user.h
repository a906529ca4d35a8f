// The user that the server is while it serves. Started as root it becomes one that owns the data folder and nothing
// else, once it has started the spawner and opened what only root may open.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "sandbox/host_report.h"

namespace lambent {

// Where the host has no account for the server: an id that belongs to no person, service, container or sandbox. It is
// the first one after the sandboxes' (sandbox/spawner_client.h: SpawnerSettings), in the range that
// https://systemd.io/UIDS-GIDS calls unused.
inline constexpr uid_t kDedicatedId = 1'879'113'728;

// The account that is taken where the host has it and no other is named.
inline constexpr const char* kServerAccount = "lambent";

struct ServerUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;  // for people: "lambent", "1879113728"
};

// Whom the server becomes, from the setting `user`: an account, a number, or "root". Nothing where it stays who it is:
// started by an ordinary user, told "root", or root of a user namespace that has no such user (said in the log).
// A name that the host does not know is an error, kServerAccount excepted. Call before threads exist.
Result<std::optional<ServerUser>> find_server_user(const std::string& setting);

// For good: becomes `user` (without supplementary groups), empties every capability set, sets no_new_privs, and lets no
// process of the same user read or trace this one. Without a user all but the first. Call before threads exist.
Result<> give_up_rights(const std::optional<ServerUser>& user);

// What the running process has given up, as a row of the report.
sandbox::Capability report_server_rights();

// While it lives, files are opened with the rights of `user`; then root's are back. One thread.
class ActingAs {
 public:
  explicit ActingAs(const ServerUser& user);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  std::vector<gid_t> groups_;  // root's
};

}  // namespace lambent
