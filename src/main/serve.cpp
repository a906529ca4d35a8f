#include "main/serve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/log.h"
#include "instance/runtime_set.h"
#include "main/config.h"
#include "main/data_folder.h"
#include "main/data_owner.h"
#include "main/server.h"
#include "main/server_user.h"
#include "main/signals.h"
#include "main/strict.h"
#include "net/listener.h"
#include "sandbox/spawner_client.h"

namespace lambent {
namespace {

// Each instance and each connection takes descriptors; the soft limit of a shell is far below what the machine allows.
void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) log::warning("the limit of open files stays at what it was");
}

std::string search_path() {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): one thread
  return path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
}

// Read with root's rights from a folder of the server's user: who has put anything but a file there gets nothing of it.
std::string known_versions(const std::string& path) {
  constexpr std::size_t kLongest = 64U << 10U;
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info{};
  if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  std::string text(kLongest, '\0');
  const ssize_t length = read(file.get(), text.data(), text.size());
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  return text;
}

int complain(const Error& error, int code) {
  fmt::print(stderr, "lambent serve: {}\n", error.message());
  return code;
}

// It proves itself by a fork. What cannot be recorded is said, and functions run as they would.
sandbox::AuditListener listen_to_audit(const Config& config) {
  if (!config.record_denied_calls) return {};
  auto listener = sandbox::AuditListener::open();
  if (listener) return *std::move(listener);
  log::warning("refused system calls are NOT recorded: {}", listener.error().message());
  return {};
}

// What needs the rights that the process was started with, which then end: the spawner alone keeps them. All of it
// before any thread exists: a fork of a threaded process could hold locks that nobody releases, and rights belong to
// threads.
Result<Opened> open_as_started(const Config& config) {
  Opened opened;
  LAMBENT_TRY(const auto user, find_server_user(config.user));
  LAMBENT_TRY(opened.folder, open_data_folder(config.data, user));
  take_signals();
  raise_open_files();
  LAMBENT_TRY(opened.spawner, sandbox::start_spawner());
  LAMBENT_TRY(opened.egress, egress::start_egress());
  opened.audit = listen_to_audit(config);
  LAMBENT_TRY(opened.listening, net::listen_on(config.bind, config.port));
  LAMBENT_TRY(auto runtimes, instance::RuntimeSet::discover(config.runtimes, search_path(),
                                                            known_versions(opened.folder.interpreters())));
  opened.runtimes = std::move(runtimes);
  if (user) LAMBENT_TRY_VOID(keep_in_reach(opened.folder.path, *user));
  LAMBENT_TRY_VOID(give_up_rights(user));
  return opened;
}

}  // namespace

int serve(const std::vector<cli::FlagValue>& flags) {
  const auto loaded = load_config(flags, lambent_environment());
  if (!loaded) return complain(loaded.error(), cli::kUsage);
  if (loaded->print_only) {
    fmt::print("{}", print_config(*loaded));
    return cli::kDone;
  }
  if (const auto strict = check_strict(loaded->config); !strict) return complain(strict.error(), cli::kUsage);
  log::set_level(loaded->config.log_level);

  auto opened = open_as_started(loaded->config);
  if (!opened) return complain(opened.error(), cli::kFailed);
  auto server = Server::open(loaded->config, *std::move(opened));
  if (!server) return complain(server.error(), cli::kFailed);
  const auto ran = (*server)->run();
  return ran ? cli::kDone : complain(ran.error(), cli::kFailed);
}

}  // namespace lambent
