#include "instance/runtime_clients.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <span>
#include <vector>

#include "base/embedded_file.h"
#include "base/files.h"
#include "base/log.h"
#include "store/blob_store.h"

namespace lambent::instance {

// cmake/EmbedFiles.cmake
std::span<const EmbeddedFile> runtime_client_files();
std::span<const EmbeddedFile> template_library_files();

namespace {

namespace fs = std::filesystem;

std::string digest_of_clients() {
  std::string all;
  for (const EmbeddedFile& file : runtime_client_files()) {
    all += fmt::format("{}\n{}\n", file.path, file.content.size());
    all += file.content;
  }
  for (const EmbeddedFile& file : template_library_files()) all += file.content;
  return store::sha256_hex(all).substr(0, 16);
}

Result<> write_clients(const std::string& folder) {
  for (const EmbeddedFile& file : runtime_client_files()) {
    const std::string path = folder + "/" + std::string(file.path);
    LAMBENT_TRY_VOID(make_folders(fs::path(path).parent_path().string()));
    const bool is_program = file.path == "attendant/lambent_attendant";
    LAMBENT_TRY_VOID(write_file_durably(path, file.content, is_program ? 0755 : 0644));
  }
  for (const EmbeddedFile& file : template_library_files()) {
    for (const char* client : {"/python/", "/nodejs/", "/ruby/"}) {
      LAMBENT_TRY_VOID(write_file_durably(folder + client + std::string(file.path), file.content));
    }
  }
  return {};
}

bool is_compiled(const std::string& package, const Runtime& python) {
  // "python3.11" leaves files named *.cpython-311.pyc.
  const std::string tag = "cpython-3" + python.id.substr(python.id.find('.') + 1);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(package + "/__pycache__", error)) {
    if (entry.path().filename().string().find(tag + ".pyc") != std::string::npos) return true;
  }
  return false;
}

enum class Compiled { yes, refused, failed };

Compiled compile(const std::string& package, const Runtime& python) {
  std::vector<std::string> arguments = {
      python.interpreter, "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", package};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  char* environment[] = {nullptr};
  pid_t child = -1;
  int status = 0;
  const int failed = posix_spawn(&child, python.interpreter.c_str(), nullptr, nullptr, argv.data(), environment);
  if (failed != 0 || waitpid(child, &status, 0) != child) return Compiled::refused;
  if (status == 0) return Compiled::yes;
  return WIFEXITED(status) ? Compiled::failed : Compiled::refused;
}

// Where the interpreter itself fails (its library may lie where only sandboxes see it) it is tried again when it is
// another one, not at each start.
void compile_once(const std::string& folder, const Runtime& python) {
  const std::string package = folder + "/python/lambent_runtime";
  const std::string note = folder + "/not-compiled-" + python.id;
  if (is_compiled(package, python)) return;
  const std::string identity = identity_of(python.interpreter);
  if (read_file(note).value_or("") == identity) return;
  const Compiled compiled = compile(package, python);
  if (compiled == Compiled::yes) return;
  log::warning("{}: the runtime client could not be compiled ahead; cold starts take some 10 ms longer", python.id);
  if (compiled != Compiled::failed) return;
  if (const auto noted = write_file_durably(note, identity); !noted) log::warning("{}", noted.error().message());
}

void remove_others(const std::string& parent, const std::string& keep) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    if (entry.path().filename() != keep) fs::remove_all(entry.path(), error);
  }
}

}  // namespace

Result<std::string> install_runtime_clients(const std::string& data_folder, const RuntimeSet& runtimes) {
  const std::string digest = digest_of_clients();
  const std::string parent = data_folder + "/runtimes";
  const std::string folder = parent + "/" + digest;
  LAMBENT_TRY_VOID(make_folders(parent));
  remove_others(parent, digest);
  std::error_code error;
  if (!fs::exists(folder, error)) {
    const std::string temporary = parent + "/tmp";
    LAMBENT_TRY_VOID(write_clients(temporary));
    if (rename(temporary.c_str(), folder.c_str()) != 0) return fail_errno("rename to", folder);
    LAMBENT_TRY_VOID(sync_folder(parent));
  }
  for (const Runtime& runtime : runtimes.all()) {
    if (runtime.family == RuntimeFamily::python) compile_once(folder, runtime);
  }
  return folder;
}

}  // namespace lambent::instance
