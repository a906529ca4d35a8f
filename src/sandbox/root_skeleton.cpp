#include "sandbox/root_skeleton.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>

#include "base/limits.h"

namespace lambent::sandbox {
namespace {

// Folders of programs and libraries. Where the host has merged them into /usr they are links, and stay links.
constexpr const char* kSystemFolders[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

// Parts of /etc that programs read and that hold no secret; those that the host has.
constexpr const char* kSystemFiles[] = {
    "/etc/ld.so.cache", "/etc/alternatives",  // the loader; links of Debian's java, awk ...
    "/etc/ssl/certs",   "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs",   "/etc/pki/ca-trust/extracted",
    "/etc/localtime",   "/etc/mime.types",      "/etc/services",        "/etc/protocols",
    "/etc/os-release",  "/etc/java-17-openjdk", "/etc/java-21-openjdk", "/etc/fonts"};

constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom", "tty"};

struct Link {
  const char* path;
  const char* target;
};
constexpr Link kDeviceLinks[] = {{"/dev/fd", "/proc/self/fd"},
                                 {"/dev/stdin", "/proc/self/fd/0"},
                                 {"/dev/stdout", "/proc/self/fd/1"},
                                 {"/dev/stderr", "/proc/self/fd/2"}};

// A link is copied, a file or folder is bound, what is absent is left out.
Result<> add_host_path(RootBuilder& root, const char* path) {
  struct stat info{};
  if (lstat(path, &info) != 0) return {};
  if (!S_ISLNK(info.st_mode)) return root.bind(path, path, Access::read_only);
  char target[PATH_MAX];
  const ssize_t length = readlink(path, target, sizeof target);
  if (length < 0) return fail_errno("readlink", path);
  return root.add_symlink(path, std::string(target, static_cast<std::size_t>(length)));
}

Result<> add_synthetic_files(RootBuilder& root, const Identity& identity, const char* name_server) {
  const std::string users = fmt::format(
      "root:x:0:0:root:/root:/sbin/nologin\nsbx_user:x:{}:{}:function:/tmp:/sbin/nologin\n"
      "nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
      identity.inside_uid, identity.inside_gid);
  const std::string groups = fmt::format("root:x:0:\nsbx_user:x:{}:\nnogroup:x:65534:\n", identity.inside_gid);
  LAMBENT_TRY_VOID(root.add_file("/etc/passwd", users));
  LAMBENT_TRY_VOID(root.add_file("/etc/group", groups));
  LAMBENT_TRY_VOID(root.add_file("/etc/hosts", "127.0.0.1 localhost sandbox.localdomain sandbox\n"));
  // Without a server a name that is not in hosts fails at once instead of waiting.
  const std::string servers =
      name_server == nullptr ? "options timeout:1 attempts:1\n" : fmt::format("nameserver {}\n", name_server);
  LAMBENT_TRY_VOID(root.add_file("/etc/resolv.conf", servers));
  return root.add_file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
}

// Ids given to a mount are read in the mounting process's user namespace, which is the spawner's.
TmpfsOptions scratch(uid_t uid, gid_t gid) {
  return {.bytes = kMiB, .inodes = 64, .uid = uid, .gid = gid, .mode = 01777};
}

Result<> add_devices(RootBuilder& root) {
  for (const char* name : kDevices) {
    const std::string path = fmt::format("/dev/{}", name);
    LAMBENT_TRY_VOID(root.bind_device(path, path));
  }
  for (const auto& [path, target] : kDeviceLinks) LAMBENT_TRY_VOID(root.add_symlink(path, target));
  return {};
}

}  // namespace

Result<> add_skeleton(RootBuilder& root, const Identity& identity, const char* name_server) {
  for (const char* path : kSystemFolders) LAMBENT_TRY_VOID(add_host_path(root, path));
  LAMBENT_TRY_VOID(add_synthetic_files(root, identity, name_server));
  for (const char* path : kSystemFiles) LAMBENT_TRY_VOID(add_host_path(root, path));
  LAMBENT_TRY_VOID(add_devices(root));
  for (const char* path : {"/var/task", "/var/runtime", "/opt"}) LAMBENT_TRY_VOID(root.add_folder(path));
  return add_own_file_systems(root, identity.host_uid, identity.host_gid);
}

Result<> add_own_file_systems(RootBuilder& root, uid_t uid, gid_t gid) {
  LAMBENT_TRY_VOID(root.mount_tmpfs("/dev/shm", scratch(uid, gid)));
  LAMBENT_TRY_VOID(root.mount_tmpfs("/tmp", scratch(uid, gid)));
  return root.mount_proc("/proc");
}

}  // namespace lambent::sandbox
