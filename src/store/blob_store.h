// Large immutable files, named by the SHA-256 of their content: a name that exists always has the right, whole content.
//
// Layout: FOLDER/sha256/ab/abcdef… (64 lower-case digits), temporary files in FOLDER/tmp.
// Thread safety: all calls from any thread; they block on the disk.
#pragma once

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::store {

class BlobStore {
 public:
  // Makes the folders where missing, and removes what interrupted puts left. One process at a time (the server's lock).
  static Result<BlobStore> open(const std::string& folder);

  // Stores the bytes and returns their digest, once they are on disk. Does nothing where they are there already.
  Result<std::string> put(std::string_view bytes);
  // For reading. ENOENT where there is none; EINVAL where `digest` is none of ours.
  [[nodiscard]] Result<UniqueFd> open_blob(std::string_view digest) const;
  [[nodiscard]] Result<bool> contains(std::string_view digest) const;
  // Nothing happens where there is none. Readers that have it open keep it.
  Result<> remove(std::string_view digest);
  // All digests, sorted.
  [[nodiscard]] Result<std::vector<std::string>> list() const;
  // remove() waits as long as the lock is held.
  [[nodiscard]] std::unique_lock<std::shared_mutex> hold_removals() const;
  // Links every blob into a store that is made at `folder`, on the same file system. Held removals make it one moment.
  [[nodiscard]] Result<> link_to(const std::string& folder) const;
  // Where the blob's file is; for handing to another process.
  [[nodiscard]] std::string path_of(std::string_view digest) const;

 private:
  explicit BlobStore(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  // On the heap: the store is moved.
  std::unique_ptr<std::shared_mutex> removals_ = std::make_unique<std::shared_mutex>();
};

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace lambent::store
