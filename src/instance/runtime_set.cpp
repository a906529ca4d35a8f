#include "instance/runtime_set.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "base/fd.h"

namespace lambent::instance {
namespace {

constexpr std::uint32_t kSharedKind = 1;

constexpr int kOldestPython = 8;
constexpr int kNewestPython = 20;
constexpr int kOldestRuby = 1;
constexpr int kNewestRuby = 9;
constexpr int kOldestJava = 17;

std::optional<RuntimeFamily> family_of(std::string_view id) {
  if (id.starts_with("python3.")) return RuntimeFamily::python;
  if (id.starts_with("nodejs")) return RuntimeFamily::nodejs;
  if (id.starts_with("ruby3.")) return RuntimeFamily::ruby;
  if (id.starts_with("java")) return RuntimeFamily::java;
  if (id.starts_with("provided")) return RuntimeFamily::provided;
  return std::nullopt;
}

std::vector<std::string> folders_of(std::string_view search_path) {
  std::vector<std::string> folders;
  while (!search_path.empty()) {
    const auto colon = search_path.find(':');
    const auto folder = search_path.substr(0, colon);
    if (folder.starts_with('/')) folders.emplace_back(folder);
    if (colon == std::string_view::npos) break;
    search_path.remove_prefix(colon + 1);
  }
  return folders;
}

// A script of the same name (a version manager's shim) would not find its interpreter inside the sandbox.
bool is_program(const std::string& path) {
  if (access(path.c_str(), X_OK) != 0) return false;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4> magic{};
  return fd && read(fd.get(), magic.data(), magic.size()) == 4 &&
         std::string_view(magic.data(), 4) ==
             "\x7f"
             "ELF";
}

std::optional<std::string> resolve(const std::string& path) {
  std::array<char, PATH_MAX> real{};
  if (realpath(path.c_str(), real.data()) == nullptr) return std::nullopt;
  return std::string(real.data());
}

// "/opt/python/3.12/bin/python3.12" belongs to "/opt/python/3.12"; everything under /usr is inside every sandbox.
std::string prefix_of(const std::string& interpreter) {
  if (interpreter.starts_with("/usr/") || interpreter.starts_with("/bin/")) return {};
  const auto folder = std::filesystem::path(interpreter).parent_path();
  return folder.filename() == "bin" ? folder.parent_path().string() : folder.string();
}

std::optional<std::string> find_program(const std::vector<std::string>& folders, const std::string& name) {
  for (const std::string& folder : folders) {
    const std::string path = folder + "/" + name;
    if (is_program(path)) return resolve(path);
  }
  return std::nullopt;
}

// What `program --version` prints, trimmed; nothing where it fails.
std::optional<std::string> version_printed_by(const std::string& program) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDOUT_FILENO);
  const std::string flag = "--version";
  std::array<char*, 3> argv{const_cast<char*>(program.c_str()), const_cast<char*>(flag.c_str()), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t child = -1;
  const int failed = posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return std::nullopt;
  in.reset();
  std::array<char, 64> text{};
  const ssize_t n = read(out.get(), text.data(), text.size());
  int status = 0;
  waitpid(child, &status, 0);
  if (n <= 0 || status != 0) return std::nullopt;
  std::string version(text.data(), static_cast<std::size_t>(n));
  while (!version.empty() && (version.back() == '\n' || version.back() == '\r')) version.pop_back();
  return version;
}

std::optional<std::string> version_in(std::string_view remembered, const std::string& identity) {
  const std::string key = "\n" + identity + "\t";
  const std::string lines = fmt::format("\n{}", remembered);
  const auto at = lines.find(key);
  if (at == std::string::npos) return std::nullopt;
  const auto begin = at + key.size();
  return lines.substr(begin, lines.find('\n', begin) - begin);
}

// "v20.20.2" carries nodejs20.x.
std::optional<std::string> node_runtime_id(std::string_view version) {
  const auto dot = version.find('.');
  if (!version.starts_with('v') || dot == std::string_view::npos || dot < 2) return std::nullopt;
  const auto major = version.substr(1, dot - 1);
  if (major.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return fmt::format("nodejs{}.x", major);
}

// Every installation says JAVA_VERSION="17.0.15" there; starting it to ask would take longer than the server does.
std::optional<std::string> java_runtime_id(const std::string& java) {
  std::ifstream release(std::filesystem::path(java).parent_path().parent_path() / "release");
  constexpr std::string_view kName = "JAVA_VERSION=\"";
  for (std::string line; std::getline(release, line);) {
    if (!line.starts_with(kName)) continue;
    const int major = std::atoi(line.c_str() + kName.size());
    if (major >= kOldestJava) return fmt::format("java{}", major);
  }
  return std::nullopt;
}

}  // namespace

std::string identity_of(const std::string& program) {
  struct stat info{};
  if (stat(program.c_str(), &info) != 0) return program;
  return fmt::format("{} {}:{} {} {}.{:09} {}.{:09}", program, info.st_dev, info.st_ino, info.st_size,
                     info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
}

Result<RuntimeSet> RuntimeSet::discover(const std::map<std::string, std::string>& configured,
                                        std::string_view search_path, std::string_view remembered) {
  RuntimeSet set;
  const auto add = [&](const std::string& id, RuntimeFamily family, const std::string& interpreter) {
    set.runtimes_.try_emplace(id, Runtime{id, family, interpreter, prefix_of(interpreter)});
  };
  for (const auto& [id, path] : configured) {
    const auto family = family_of(id);
    if (!family || *family == RuntimeFamily::provided) {
      return fail(
          Error::of("configure runtime", id, "not a python3.N, nodejsN.x, ruby3.N or javaN runtime identifier"));
    }
    const auto program = is_program(path) ? resolve(path) : std::nullopt;
    if (!program) return fail(Error::of("configure runtime", id, path + " is not an executable program"));
    add(id, *family, *program);
  }
  const std::vector<std::string> folders = folders_of(search_path);
  for (int minor = kOldestPython; minor <= kNewestPython; ++minor) {
    const std::string id = fmt::format("python3.{}", minor);
    if (const auto python = find_program(folders, id)) add(id, RuntimeFamily::python, *python);
  }
  for (int minor = kOldestRuby; minor <= kNewestRuby; ++minor) {
    const std::string id = fmt::format("ruby3.{}", minor);
    if (const auto ruby = find_program(folders, id)) add(id, RuntimeFamily::ruby, *ruby);
  }
  if (const auto java = find_program(folders, "java")) {
    if (const auto id = java_runtime_id(*java)) add(*id, RuntimeFamily::java, *java);
  }
  // Asking one takes longer than all the rest, and /bin is often a link to /usr/bin.
  std::set<std::string> asked;
  for (const std::string& folder : folders) {
    const auto node = find_program({folder}, "node");
    if (!node || !asked.insert(*node).second) continue;
    const std::string identity = identity_of(*node);
    auto version = version_in(remembered, identity);
    if (!version) version = version_printed_by(*node);
    const auto id = version ? node_runtime_id(*version) : std::nullopt;
    if (!id) continue;
    add(*id, RuntimeFamily::nodejs, *node);
    set.versions_ += fmt::format("{}\t{}\n", identity, *version);
  }
  for (const char* id : {"provided", "provided.al2", "provided.al2023"}) add(id, RuntimeFamily::provided, "");
  std::uint32_t next = kSharedKind + 1;
  for (auto& [id, runtime] : set.runtimes_) {
    runtime.start_kind = has_template(runtime.family) ? next++ : kSharedKind;
  }
  return set;
}

std::expected<Runtime, std::string> RuntimeSet::find(const std::string& id) const {
  if (const auto it = runtimes_.find(id); it != runtimes_.end()) return it->second;
  std::vector<std::string> ids;
  for (const auto& [known, runtime] : runtimes_) ids.push_back(known);
  return std::unexpected(fmt::format(
      "The runtime {} is not installed on this host. Installed: {}. Install its interpreter and restart the server, or "
      "name it in the configuration under [runtimes].",
      id, fmt::join(ids, ", ")));
}

std::vector<Runtime> RuntimeSet::all() const {
  std::vector<Runtime> out;
  for (const auto& [id, runtime] : runtimes_) out.push_back(runtime);
  return out;
}

}  // namespace lambent::instance
