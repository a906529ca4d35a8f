#include "store/blob_store.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "base/encoding.h"
#include "base/files.h"

namespace lambent::store {
namespace {

bool is_digest(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Error no_digest(std::string_view digest) {
  return Error{
      .step = "open blob", .target = std::string(digest.substr(0, 80)), .code = EINVAL, .detail = "no SHA-256 digest"};
}

// Closes and removes the temporary file unless it was renamed away.
struct TemporaryFile {
  std::string path;
  UniqueFd fd;
  bool kept = false;
  ~TemporaryFile() {
    if (!kept) unlink(path.c_str());
  }
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  std::array<std::byte, 32> digest{};
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &length, EVP_sha256(),
             nullptr);
  return hex_encode(digest);
}

Result<BlobStore> BlobStore::open(const std::string& folder) {
  LAMBENT_TRY_VOID(make_folders(folder + "/sha256", 0700));
  LAMBENT_TRY_VOID(make_folders(folder + "/tmp", 0700));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/tmp", error)) {
    std::filesystem::remove(entry.path(), error);
  }
  if (error) return fail(Error{.step = "clean", .target = folder + "/tmp", .code = error.value(), .detail = {}});
  return BlobStore(folder);
}

std::string BlobStore::path_of(std::string_view digest) const {
  std::string path = folder_ + "/sha256/";
  path += digest.substr(0, 2);
  path += '/';
  path += digest;
  return path;
}

Result<std::string> BlobStore::put(std::string_view bytes) {
  std::string digest = sha256_hex(bytes);
  LAMBENT_TRY(const bool present, contains(digest));
  if (present) return digest;

  TemporaryFile temporary{folder_ + "/tmp/put-XXXXXX", {}, false};
  temporary.fd.reset(mkostemp(temporary.path.data(), O_CLOEXEC));
  if (!temporary.fd) return fail_errno("create", temporary.path);
  LAMBENT_TRY_VOID(write_all(temporary.fd.get(), bytes, temporary.path));
  if (fsync(temporary.fd.get()) != 0) return fail_errno("sync", temporary.path);

  const std::string path = path_of(digest);
  const std::string shelf = path.substr(0, path.rfind('/'));
  LAMBENT_TRY_VOID(make_folders(shelf, 0700));
  if (rename(temporary.path.c_str(), path.c_str()) != 0) return fail_errno("rename to", path);
  temporary.kept = true;
  LAMBENT_TRY_VOID(sync_folder(shelf));
  LAMBENT_TRY_VOID(sync_folder(folder_ + "/sha256"));
  return digest;
}

Result<UniqueFd> BlobStore::open_blob(std::string_view digest) const {
  if (!is_digest(digest)) return fail(no_digest(digest));
  const std::string path = path_of(digest);
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno("open blob", path);
  return fd;
}

Result<bool> BlobStore::contains(std::string_view digest) const {
  if (!is_digest(digest)) return fail(no_digest(digest));
  struct stat info{};
  const std::string path = path_of(digest);
  if (stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT) return false;
  return fail_errno("look for blob", path);
}

Result<> BlobStore::remove(std::string_view digest) {
  if (!is_digest(digest)) return fail(no_digest(digest));
  const std::string path = path_of(digest);
  const std::shared_lock lock(*removals_);
  if (unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno("remove blob", path);
  }
  return sync_folder(path.substr(0, path.rfind('/')));
}

Result<std::vector<std::string>> BlobStore::list() const {
  std::vector<std::string> digests;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ + "/sha256", error)) {
    if (std::string name = entry.path().filename(); is_digest(name)) digests.push_back(std::move(name));
  }
  if (error) return fail(Error{.step = "list", .target = folder_, .code = error.value(), .detail = {}});
  std::ranges::sort(digests);
  return digests;
}

std::unique_lock<std::shared_mutex> BlobStore::hold_removals() const {
  return std::unique_lock(*removals_);
}

Result<> BlobStore::link_to(const std::string& folder) const {
  const BlobStore to(folder);
  LAMBENT_TRY_VOID(make_folders(folder + "/sha256", 0700));
  LAMBENT_TRY(const auto digests, list());
  for (const auto& digest : digests) {
    const auto path = to.path_of(digest);
    LAMBENT_TRY_VOID(make_folders(path.substr(0, path.rfind('/')), 0700));
    if (link(path_of(digest).c_str(), path.c_str()) != 0) return fail_errno("link blob", path);
  }
  return {};
}

}  // namespace lambent::store
