#include "sandbox/protocol.h"

#include <algorithm>
#include <cstring>

#include "sandbox/paths.h"
#include "sandbox/spawner_client.h"
#include "sandbox/unpack.h"

namespace lambent::sandbox::protocol {
namespace {

Result<> check(bool holds, std::string_view field, std::string_view rule) {
  if (holds) return {};
  return fail(Error::of("validate message", field, rule));
}

std::optional<Type> type_with_size(std::span<const std::byte> packet,
                                   std::span<const std::pair<Type, std::size_t>> known) {
  Header header{};
  if (packet.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, packet.data(), sizeof header);
  for (const auto& [type, size] : known) {
    if (header.type == type && header.bytes == size && packet.size() == size) return type;
  }
  return std::nullopt;
}

bool is_cgroup_name(std::string_view name) {
  const std::string_view prefix = "lambent-";
  if (name.size() != prefix.size() + 16 || !name.starts_with(prefix)) return false;
  return std::ranges::all_of(name.substr(prefix.size()),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_hostname(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<> check_mounts(const Launch& message) {
  const auto& paths = message.mount_paths;
  LAMBENT_TRY_VOID(check(paths.is_valid() && paths.count % 2 == 0, "mount_paths", "not pairs of paths"));
  std::uint32_t index = 0;
  for (std::uint32_t at = 0; at < paths.used; ++index) {
    const std::string_view path(&paths.data[at]);
    LAMBENT_TRY_VOID(check(is_plain_absolute_path(path) && (index % 2 == 0 || path != "/"), "mount_paths",
                           "not a plain absolute path"));
    at += static_cast<std::uint32_t>(path.size() + 1);
  }
  return check(std::ranges::all_of(message.mount_writable, [](std::uint8_t flag) { return flag <= 1; }),
               "mount_writable", "neither 0 nor 1");
}

Result<> check_program(const Launch& message) {
  LAMBENT_TRY_VOID(check(message.argv.is_valid() && message.argv.count >= 1, "argv", "no program"));
  LAMBENT_TRY_VOID(check(is_plain_absolute_path(&message.argv.data[0]), "argv", "not a plain absolute path"));
  LAMBENT_TRY_VOID(check(message.environment.is_valid(), "environment", "not packed strings"));
  return check(is_text(message.working_folder) && is_plain_absolute_path(text_of(message.working_folder)),
               "working_folder", "not a plain absolute path");
}

}  // namespace

std::optional<Type> type_of_request(std::span<const std::byte> packet) {
  static constexpr std::pair<Type, std::size_t> kKnown[] = {
      {Type::configure, sizeof(Configure)}, {Type::launch, sizeof(Launch)}, {Type::kill, sizeof(Kill)},
      {Type::unpack, sizeof(Unpack)},       {Type::stop, sizeof(Stop)},     {Type::set_cpu, sizeof(SetCpu)},
      {Type::prepare, sizeof(Prepare)}};
  return type_with_size(packet, kKnown);
}

std::optional<Type> type_of_reply(std::span<const std::byte> packet) {
  static constexpr std::pair<Type, std::size_t> kKnown[] = {
      {Type::ready, sizeof(Ready)},   {Type::launched, sizeof(Launched)}, {Type::launch_failed, sizeof(LaunchFailed)},
      {Type::exited, sizeof(Exited)}, {Type::unpacked, sizeof(Unpacked)}, {Type::forkable, sizeof(Forkable)}};
  return type_with_size(packet, kKnown);
}

Result<> validate(const Configure& message) {
  LAMBENT_TRY_VOID(check(is_text(message.cgroup_name) && is_cgroup_name(text_of(message.cgroup_name)), "cgroup_name",
                         "not lambent- and 16 hexadecimal digits"));
  LAMBENT_TRY_VOID(check(message.records_denied_calls <= 1, "records_denied_calls", "neither 0 nor 1"));
  LAMBENT_TRY_VOID(check(message.reserved == 0, "reserved", "not 0"));
  const std::uint64_t end = std::uint64_t{message.first_host_uid} + message.host_uids;
  return check(message.first_host_uid >= 65'536 && message.host_uids >= 1 && end <= 0xffff'fff0, "first_host_uid",
               "not a range of ids from 65,536 up");
}

Result<> validate(const Launch& message) {
  LAMBENT_TRY_VOID(check(message.header.id != 0, "id", "0"));
  LAMBENT_TRY_VOID(check_mounts(message));
  LAMBENT_TRY_VOID(check_program(message));
  LAMBENT_TRY_VOID(
      check(is_text(message.hostname) && is_hostname(text_of(message.hostname)), "hostname", "not a host name"));
  LAMBENT_TRY_VOID(check(is_inside_id(message.uid) && is_inside_id(message.gid), "uid", "out of range"));
  LAMBENT_TRY_VOID(check(is_memory(message.memory_bytes), "memory_bytes", "out of range"));
  LAMBENT_TRY_VOID(check(is_tmp(message.tmp_bytes, message.tmp_inodes), "tmp_bytes", "out of range"));
  LAMBENT_TRY_VOID(check(is_millicores(message.cpu_millicores), "cpu_millicores", "out of range"));
  LAMBENT_TRY_VOID(check(is_count(message.processes), "processes", "out of range"));
  LAMBENT_TRY_VOID(check(is_count(message.open_files), "open_files", "out of range"));
  LAMBENT_TRY_VOID(check(message.runtime_port == 0 || message.runtime_port != message.platform_port, "runtime_port",
                         "same as platform_port"));
  LAMBENT_TRY_VOID(check(message.seccomp_profile < kSeccompProfiles, "seccomp_profile", "unknown"));
  LAMBENT_TRY_VOID(check(message.runtime_line <= 1, "runtime_line", "neither 0 nor 1"));
  LAMBENT_TRY_VOID(check(message.is_template <= 1, "is_template", "neither 0 nor 1"));
  LAMBENT_TRY_VOID(
      check(message.forked_from == 0 || message.is_template == 0, "forked_from", "a template is not forked"));
  return check(message.network <= static_cast<std::uint32_t>(NetworkMode::open), "network", "unknown");
}

Result<> validate(const Prepare& message) {
  LAMBENT_TRY_VOID(check(message.header.id != 0, "id", "0"));
  LAMBENT_TRY_VOID(check(message.ready <= kMostReady, "ready", "out of range"));
  LAMBENT_TRY_VOID(check(message.is_template <= 1, "is_template", "neither 0 nor 1"));
  return validate(message.like);
}

Result<> validate(const SetCpu& message) {
  LAMBENT_TRY_VOID(check(message.header.id != 0, "id", "0"));
  LAMBENT_TRY_VOID(check(is_millicores(message.cpu_millicores), "cpu_millicores", "out of range"));
  return check(message.reserved == 0, "reserved", "not 0");
}

Result<> validate(const Unpack& message) {
  LAMBENT_TRY_VOID(check(message.header.id != 0, "id", "0"));
  LAMBENT_TRY_VOID(check(message.unzipped_bytes <= kMiB * kMiB, "unzipped_bytes", "out of range"));
  LAMBENT_TRY_VOID(check(message.entries >= 1 && message.entries <= 10'000'000, "entries", "out of range"));
  return check(message.time_ms >= 1 && message.time_ms <= 3'600'000, "time_ms", "out of range");
}

bool is_valid(const Ready& message) {
  if (message.can_launch > 1 || message.count > kCapabilities) return false;
  return std::ranges::all_of(message.capabilities, [](const Capability& one) {
    return is_text(one.name) && is_text(one.means) && is_text(one.remedy) && one.level <= 2;
  });
}

bool is_valid(const Launched& message) {
  const bool has_freezer = (message.present & Launched::kFreezer) != 0;
  return message.header.id != 0 && message.present < 256 && message.freezer_version <= 2 && message.is_forked <= 1 &&
         has_freezer == (message.freezer_version != 0);
}

bool is_valid(const Forkable& message) {
  return message.header.id != 0;
}

bool is_valid(const LaunchFailed& message) {
  return message.header.id != 0 && is_text(message.step) && is_text(message.detail);
}

bool is_valid(const Exited& message) {
  return message.header.id != 0 && message.kind < static_cast<std::uint32_t>(ExitKind::spawner_lost) &&
         message.out_of_memory <= 1 && message.has_memory_peak <= 1;
}

bool is_valid(const Unpacked& message) {
  return message.header.id != 0 && message.failure <= static_cast<std::uint32_t>(UnpackFailure::internal) &&
         is_text(message.detail);
}

std::vector<MountEntry> mounts_of(const Launch& message) {
  std::vector<MountEntry> entries;
  const auto& paths = message.mount_paths;
  std::uint32_t at = 0;
  const auto next = [&] {
    const std::string_view path(&paths.data[at]);
    at += static_cast<std::uint32_t>(path.size() + 1);
    return path;
  };
  for (std::uint32_t index = 0; at < paths.used; ++index) {
    const auto source = next();
    const auto target = next();
    entries.push_back(
        {index, source, target, message.mount_writable[index] == 1 ? Access::writable : Access::read_only});
  }
  return entries;
}

Result<> encode(const Policy& policy, std::uint64_t id, Launch& into) {
  LAMBENT_TRY_VOID(sandbox::validate(policy));
  std::memset(&into, 0, sizeof into);
  into.header = {Type::launch, sizeof(Launch), id};
  bool fits = true;
  std::size_t mounts = 0;
  for (const auto& mount : policy.mounts) {
    fits = fits && into.mount_paths.append(mount.source) && into.mount_paths.append(mount.target);
    ++mounts;
  }
  for (const auto& folder : policy.writable_folders) {
    fits = fits && into.mount_paths.append(folder.source) && into.mount_paths.append(folder.target);
    into.mount_writable[mounts++] = 1;
  }
  for (const auto& argument : policy.argv) fits = fits && into.argv.append(argument);
  for (const auto& variable : policy.environment) fits = fits && into.environment.append(variable);
  if (!fits) return fail(Error::of("encode policy", "argv, environment or mounts", "do not fit"));
  put_text(into.working_folder, policy.working_folder);
  put_text(into.hostname, policy.hostname);
  into.uid = policy.uid;
  into.gid = policy.gid;
  into.memory_bytes = policy.memory_bytes;
  into.tmp_bytes = policy.tmp_bytes;
  into.tmp_inodes = policy.tmp_inodes;
  into.cpu_millicores = policy.cpu_millicores;
  into.processes = policy.processes;
  into.open_files = policy.open_files;
  into.runtime_port = policy.runtime_port;
  into.platform_port = policy.platform_port;
  into.runtime_line = policy.runtime_line ? 1 : 0;
  into.seccomp_profile = static_cast<std::uint32_t>(policy.seccomp);
  into.network = static_cast<std::uint32_t>(policy.network);
  into.kind = policy.kind;
  into.is_template = policy.is_template ? 1 : 0;
  into.forked_from = policy.forked_from;
  return validate(into);
}

}  // namespace lambent::sandbox::protocol
