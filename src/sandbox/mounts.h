// The file system of a sandbox, built from nothing: a tmpfs root on which only what is named here appears.
//
// Every source is opened as a detached copy before it is attached, so a source need not be reachable by the user that
// the sandbox will run as: building happens with the spawner's rights (or those of the new user namespace).
// All in the new mount namespace of the calling process, nothing is visible outside and all of it goes with the
// process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::sandbox {

// Stops mount events between this namespace and the host's, both ways.
Result<> make_mounts_private();

struct TmpfsOptions {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
  uid_t uid = 0;  // owner of the root folder, as ids are seen by the mounting process
  gid_t gid = 0;
  mode_t mode = 0755;
};

enum class Access { read_only, writable };

// A detached copy of a host file or folder with all that is mounted below it, never with set-user-id bits, never with
// devices. It can be sent to another process and attached there.
Result<UniqueFd> open_mount(const std::string& source, Access access);

class RootBuilder {
 public:
  // An empty root, attached over the current one (which stays what paths mean until enter()).
  static Result<RootBuilder> create();

  // Of the root that the process has already.
  static Result<RootBuilder> of_current();

  // `path` and `target` are plain absolute paths; folders above them are made.
  Result<> add_folder(std::string_view path, mode_t mode = 0755);
  Result<> add_file(std::string_view path, std::string_view content);
  Result<> add_symlink(std::string_view path, const std::string& target);
  // A host file or folder with all that is mounted below it, never with set-user-id bits, never with devices.
  Result<> bind(const std::string& source, std::string_view target, Access access);
  // One device node of the host.
  Result<> bind_device(const std::string& source, std::string_view target);
  Result<> mount_tmpfs(std::string_view target, const TmpfsOptions& options);
  // /proc of the current pid namespace, read-only.
  Result<> mount_proc(std::string_view target);

  // Attaches a detached copy (open_mount) that may come from another mount namespace. Also after enter().
  Result<> attach(const UniqueFd& tree, std::string_view target);
  // Sets size and number of inodes of a tmpfs mounted before. After enter() only.
  Result<> resize_tmpfs(const char* target, std::uint64_t bytes, std::uint64_t inodes);

  // Changes to the root and lets the host's go: what was not mounted by now can only be attached.
  Result<> enter();
  // Makes the root read-only. The last step.
  Result<> seal();

 private:
  explicit RootBuilder(UniqueFd root) : root_(std::move(root)) {}
  Result<> add_mount_point(std::string_view target, bool is_folder);

  UniqueFd root_;
};

// Changes the root to the folder behind the descriptor `folder` and lets the old one go: nothing else stays reachable.
// `host_proc` is a folder descriptor of /proc.
Result<> enter_folder_as_root(int folder, int host_proc);

}  // namespace lambent::sandbox
