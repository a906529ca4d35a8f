#include "main/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "base/fd.h"
#include "base/files.h"
#include "base/time_format.h"

namespace lambent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnfinished = ".unfinished";
// Copied: small, or appended to. What is not here is made again at a start, or lies in the store or among the blobs.
constexpr std::array kCopied = {"credentials", "lambent.toml", "prices.toml", "usage", "logs", "denied_calls"};

Result<> copy_into(const std::string& from, const std::string& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return {};
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::skip_symlinks, error);
  // Logs are renamed when they are full, and go with their function.
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(Error{.step = "back up", .target = from, .code = error.value(), .detail = {}});
  }
  return {};
}

Result<> remove_unfinished(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == kUnfinished) fs::remove_all(entry.path(), error);
  }
  if (error) return fail(Error{.step = "clean", .target = folder, .code = error.value(), .detail = {}});
  return {};
}

Result<> fill(const std::string& to, const DataFolder& data, const store::KeyValueStore& store,
              const store::BlobStore& blobs) {
  LAMBENT_TRY_VOID(make_folders(to, 0700));
  {
    // What the store's copy names stays until it is linked.
    const auto held = blobs.hold_removals();
    LAMBENT_TRY_VOID(store.copy_to(to + "/store"));
    LAMBENT_TRY_VOID(blobs.link_to(to + "/blobs"));
  }
  for (const auto* name : kCopied) LAMBENT_TRY_VOID(copy_into(data.path + "/" + name, to + "/" + name));
  const UniqueFd folder(open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || syncfs(folder.get()) != 0) return fail_errno("sync", to);
  return {};
}

}  // namespace

Result<std::string> make_backup(const DataFolder& data, const store::KeyValueStore& store,
                                const store::BlobStore& blobs, Wall now) {
  const std::string all = data.path + "/backups";
  LAMBENT_TRY_VOID(make_folders(all, 0700));
  LAMBENT_TRY_VOID(remove_unfinished(all));
  const std::string finished = all + "/" + format_amz_date(now);
  const std::string unfinished = finished + std::string(kUnfinished);
  auto made = fill(unfinished, data, store, blobs);
  if (made && rename(unfinished.c_str(), finished.c_str()) != 0) made = fail_errno("name backup", finished);
  if (!made) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    return fail(std::move(made).error());
  }
  LAMBENT_TRY_VOID(sync_folder(all));
  return finished;
}

}  // namespace lambent
