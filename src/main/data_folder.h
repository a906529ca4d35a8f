// The data directory: its folders, and the lock that keeps a second server out of it.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "main/server_user.h"

namespace lambent {

// Absolute paths. The lock is held as long as this lives, and falls with the process however that ends.
struct DataFolder {
  std::string path;
  UniqueFd lock;

  [[nodiscard]] std::string store() const { return path + "/store"; }
  [[nodiscard]] std::string blobs() const { return path + "/blobs"; }
  [[nodiscard]] std::string code() const { return path + "/code"; }
  // A file: RuntimeSet::versions() of the last start.
  [[nodiscard]] std::string interpreters() const { return path + "/interpreters"; }
};

// Makes the folder where missing (0700: it holds code, logs and keys), takes the lock, gives the folder to the user
// that the server becomes, if any (data_owner.h). The error says who holds the lock.
Result<DataFolder> open_data_folder(const std::string& path, const std::optional<ServerUser>& user);

}  // namespace lambent
