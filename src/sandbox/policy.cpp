#include "sandbox/policy.h"

#include <algorithm>
#include <string_view>

#include "sandbox/paths.h"
#include "sandbox/protocol.h"

namespace lambent::sandbox {
namespace {

Result<> check(bool holds, std::string_view member, std::string_view rule) {
  if (holds) return {};
  return fail(Error::of("validate policy", member, rule));
}

bool is_hostname(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, is_allowed);
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

std::size_t packed_bytes(const std::vector<std::string>& strings) {
  std::size_t bytes = 0;
  for (const auto& text : strings) bytes += text.size() + 1;
  return bytes;
}

Result<> check_mounts(const Policy& policy) {
  std::size_t bytes = 0;
  const auto check_one = [&](const std::string& source, const std::string& target) -> Result<> {
    LAMBENT_TRY_VOID(
        check(is_plain_absolute_path(source), "mounts", "a source is not a plain absolute path: " + source));
    LAMBENT_TRY_VOID(check(is_plain_absolute_path(target) && target != "/", "mounts",
                           "a target is not a plain absolute path: " + target));
    bytes += source.size() + target.size() + 2;
    return {};
  };
  for (const auto& mount : policy.mounts) LAMBENT_TRY_VOID(check_one(mount.source, mount.target));
  for (const auto& folder : policy.writable_folders) LAMBENT_TRY_VOID(check_one(folder.source, folder.target));
  LAMBENT_TRY_VOID(
      check(policy.mounts.size() + policy.writable_folders.size() <= protocol::kMounts, "mounts", "too many"));
  return check(bytes <= protocol::kMountBytes, "mounts", "paths are too long together");
}

Result<> check_program(const Policy& policy) {
  LAMBENT_TRY_VOID(
      check(!policy.argv.empty() && policy.argv.size() <= protocol::kArguments, "argv", "1 to 64 arguments"));
  LAMBENT_TRY_VOID(check(is_plain_absolute_path(policy.argv[0]), "argv", "the program is not a plain absolute path"));
  LAMBENT_TRY_VOID(check(std::ranges::none_of(policy.argv, has_nul), "argv", "an argument holds a NUL byte"));
  LAMBENT_TRY_VOID(check(packed_bytes(policy.argv) <= protocol::kArgumentBytes, "argv", "too long together"));
  for (const auto& entry : policy.environment) {
    const auto equals = entry.find('=');
    LAMBENT_TRY_VOID(check(equals != std::string::npos && equals > 0 && !has_nul(entry), "environment",
                           "an entry is not NAME=value"));
  }
  LAMBENT_TRY_VOID(check(policy.environment.size() <= protocol::kVariables, "environment", "too many variables"));
  LAMBENT_TRY_VOID(
      check(packed_bytes(policy.environment) <= protocol::kVariableBytes, "environment", "too long together"));
  return check(is_plain_absolute_path(policy.working_folder) && policy.working_folder.size() < protocol::kPathBytes,
               "working_folder", "not a plain absolute path");
}

}  // namespace

std::uint32_t millicores_for(std::uint64_t memory_bytes, std::uint32_t megabytes_per_core) {
  const std::uint64_t megabytes = memory_bytes / kMiB;
  const std::uint64_t share = (megabytes * 1000 + megabytes_per_core - 1) / megabytes_per_core;
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(share, protocol::kMinMillicores, protocol::kMaxMillicores));
}

Result<> validate(const Policy& policy) {
  LAMBENT_TRY_VOID(check_mounts(policy));
  LAMBENT_TRY_VOID(check_program(policy));
  LAMBENT_TRY_VOID(check(is_hostname(policy.hostname), "hostname", "not a host name"));
  LAMBENT_TRY_VOID(check(protocol::is_inside_id(policy.uid) && protocol::is_inside_id(policy.gid), "uid",
                         "1 to 65,533 (root inside is not offered)"));
  LAMBENT_TRY_VOID(check(protocol::is_memory(policy.memory_bytes), "memory_bytes", "8 MiB to 1 TiB"));
  LAMBENT_TRY_VOID(check(protocol::is_millicores(policy.cpu_millicores), "cpu_millicores", "10 to 1,024,000"));
  LAMBENT_TRY_VOID(check(protocol::is_count(policy.processes), "processes", "1 to 1,048,576"));
  LAMBENT_TRY_VOID(check(protocol::is_count(policy.open_files), "open_files", "1 to 1,048,576"));
  LAMBENT_TRY_VOID(
      check(protocol::is_tmp(policy.tmp_bytes, policy.tmp_inodes), "tmp_bytes", "64 KiB to 1 TiB, 8 inodes or more"));
  return check(policy.runtime_port == 0 || policy.runtime_port != policy.platform_port, "runtime_port",
               "the two ports are the same");
}

}  // namespace lambent::sandbox
