#include "main/serve.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/log.h"
#include "main/config.h"
#include "main/data_folder.h"
#include "main/server.h"
#include "main/signals.h"
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

int complain(const Error& error, int code) {
  fmt::print(stderr, "lambent serve: {}\n", error.message());
  return code;
}

}  // namespace

int serve(const std::vector<cli::FlagValue>& flags) {
  const auto loaded = load_config(flags, lambent_environment());
  if (!loaded) return complain(loaded.error(), cli::kUsage);
  if (loaded->print_only) {
    fmt::print("{}", print_config(*loaded));
    return cli::kDone;
  }
  log::set_level(loaded->config.log_level);

  auto folder = open_data_folder(loaded->config.data);
  if (!folder) return complain(folder.error(), cli::kFailed);
  take_signals();
  raise_open_files();
  // Before any thread exists: a fork of a threaded process could hold locks that nobody releases.
  auto spawner = sandbox::start_spawner();
  if (!spawner) return complain(spawner.error(), cli::kFailed);

  auto server = Server::open(loaded->config, std::move(*folder), std::move(*spawner));
  if (!server) return complain(server.error(), cli::kFailed);
  const auto ran = (*server)->run();
  return ran ? cli::kDone : complain(ran.error(), cli::kFailed);
}

}  // namespace lambent
