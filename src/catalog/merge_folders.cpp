#include "catalog/merge_folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/fd.h"

namespace lambent::catalog {
namespace {

namespace fs = std::filesystem;

Result<> done(const std::error_code& failed, const char* step, const fs::path& path) {
  if (failed) return fail(Error{step, path.string(), failed.value(), {}});
  return {};
}

// One thing of a folder, over what is at its place already.
Result<> lay(const fs::directory_entry& entry, const fs::path& place) {
  std::error_code failed;
  const auto is_folder = entry.symlink_status().type() == fs::file_type::directory;
  const auto there = fs::symlink_status(place, failed).type();
  if (is_folder && there == fs::file_type::directory) return {};
  if (there != fs::file_type::not_found) {
    fs::remove_all(place, failed);
    LAMBENT_TRY_VOID(done(failed, "remove", place));
  }
  if (is_folder) {
    if (::mkdir(place.c_str(), 0755) != 0) return fail_errno("make folder", place.string());
    return {};
  }
  if (entry.is_symlink()) {
    fs::copy_symlink(entry.path(), place, failed);
    return done(failed, "copy link", place);
  }
  if (::link(entry.path().c_str(), place.c_str()) == 0) return {};
  fs::copy_file(entry.path(), place, failed);
  return done(failed, "copy", place);
}

Result<> lay_all(const std::string& from, const std::string& into) {
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(from, failed), end; !failed && entry != end; entry.increment(failed)) {
    LAMBENT_TRY_VOID(lay(*entry, fs::path(into) / entry->path().lexically_relative(from)));
  }
  return done(failed, "read", from);
}

}  // namespace

Result<> merge_folders(const std::vector<std::string>& from, const std::string& into) {
  if (::mkdir(into.c_str(), 0755) != 0) return fail_errno("make folder", into);
  for (const auto& folder : from) LAMBENT_TRY_VOID(lay_all(folder, into));
  const UniqueFd top(::open(into.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top || ::syncfs(top.get()) != 0) return fail_errno("sync", into);
  return {};
}

}  // namespace lambent::catalog
