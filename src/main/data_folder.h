// The data directory: its folders, and the lock that keeps a second server out of it.
#pragma once

#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace lambent {

// Absolute paths. The lock is held as long as this lives, and falls with the process however that ends.
struct DataFolder {
  std::string path;
  UniqueFd lock;

  [[nodiscard]] std::string store() const { return path + "/store"; }
  [[nodiscard]] std::string blobs() const { return path + "/blobs"; }
  [[nodiscard]] std::string code() const { return path + "/code"; }
};

// Makes the folder where missing (0700: it holds code, logs and keys), takes the lock. The error says who holds it.
Result<DataFolder> open_data_folder(const std::string& path);

}  // namespace lambent
