// Copies of folders whose owner is not trusted: nothing outside of the folder is read, whatever it holds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"

namespace lambent::cli {

struct FolderSize {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// Of the regular files in it.
Result<FolderSize> size_of_folder(const std::string& folder);

// Copies the folders and regular files in `from` to the new folder `to`, for the owner's eyes only; links and special
// files are left out. Calls `progress` with the bytes so far after each piece. On disk when it returns; what a failure
// leaves is the caller's to remove.
Result<FolderSize> copy_folder(const std::string& from, const std::string& to,
                               const std::function<void(std::uint64_t bytes)>& progress);

// What an ordinary user may still write to the file system that holds the folder.
Result<std::uint64_t> free_bytes(const std::string& folder);

}  // namespace lambent::cli
