#include "catalog/code_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/log.h"
#include "catalog/merge_folders.h"

namespace lambent::catalog {
namespace {

namespace fs = std::filesystem;

// Enough for any package: BlobStore never holds more than what the API's body limit let in.
constexpr std::size_t kReadLimit = std::size_t{1} << 30U;

std::unexpected<CodeError> storage_error(const Error& error) {
  return std::unexpected(CodeError{CodeError::Kind::storage, error.message()});
}

Result<UniqueFd> make_and_open_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0) return fail_errno("make folder", path);
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open", path);
  return fd;
}

Result<> rename_durably(const std::string& from, const std::string& to, const std::string& parent) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename", to);
  return sync_folder(parent);
}

Result<> remove_tree(const std::string& path) {
  std::error_code failed;
  fs::remove_all(path, failed);
  if (failed) return fail(Error{"remove", path, failed.value(), {}});
  return {};
}

// Out of sight first, so that a crash half-way leaves only a "tmp-" folder.
Result<> remove_package(store::BlobStore& blobs, const std::string& digest, const std::string& folder,
                        const std::string& trash) {
  if (::rename(folder.c_str(), trash.c_str()) != 0 && errno != ENOENT) return fail_errno("rename", folder);
  LAMBENT_TRY_VOID(blobs.remove(digest));
  return remove_tree(trash);
}

Result<std::vector<std::string>> folder_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    names.push_back(entry->path().filename().string());
  }
  if (failed) return fail(Error{"list", folder, failed.value(), {}});
  return names;
}

// Everything under the folder and in the blobs that is not in `keep`.
Result<> sweep(store::BlobStore& blobs, const std::string& folder, const std::vector<std::string>& keep) {
  const auto kept = [&](const std::string& digest) { return std::ranges::binary_search(keep, digest); };
  LAMBENT_TRY(const auto names, folder_names(folder));
  for (const auto& name : names) {
    if (!kept(name)) LAMBENT_TRY_VOID(remove_tree(folder + "/" + name));
  }
  LAMBENT_TRY(const auto digests, blobs.list());
  for (const auto& digest : digests) {
    if (!kept(digest)) LAMBENT_TRY_VOID(blobs.remove(digest));
  }
  return {};
}

}  // namespace

std::string code_sha256_base64(std::string_view digest) {
  const auto bytes = hex_decode(digest);
  return bytes ? base64_encode(*bytes) : std::string();
}

Result<std::unique_ptr<CodeStore>> CodeStore::open(std::string folder, store::BlobStore& blobs, Unpacker& unpacker,
                                                   net::WorkPool& pool, net::Loop& loop, Random& random) {
  LAMBENT_TRY_VOID(make_folders(folder));
  return std::unique_ptr<CodeStore>(new CodeStore(std::move(folder), blobs, unpacker, pool, loop, random));
}

CodeStore::CodeStore(std::string folder, store::BlobStore& blobs, Unpacker& unpacker, net::WorkPool& pool,
                     net::Loop& loop, Random& random)
    : folder_(std::move(folder)), blobs_(blobs), unpacker_(unpacker), pool_(pool), loop_(loop), random_(random) {}

CodeStore::~CodeStore() {
  *alive_ = false;
}

std::string CodeStore::folder_of(const std::string& digest) const {
  return folder_ + "/" + digest;
}

std::string CodeStore::temporary_folder() {
  return folder_ + "/tmp-" + random_.hex(8);
}

net::Task<std::expected<CodePackagePtr, CodeError>> CodeStore::put(std::string bytes) {
  const auto zip = std::make_shared<const std::string>(std::move(bytes));
  const auto digest = co_await pool_.run(loop_, [zip] { return store::sha256_hex(*zip); });
  if (auto shared = co_await share_or_reserve(digest)) co_return shared;
  const auto unzipped = co_await store_and_unpack(digest, zip);
  if (!unzipped) {
    co_await pool_.run(loop_, [this, digest] { return blobs_.remove(digest); });
    unreserve(digest);
    co_return std::unexpected(unzipped.error());
  }
  auto package = make_package(digest, zip->size(), *unzipped);
  unreserve(digest);
  co_return package;
}

net::Task<std::expected<CodePackagePtr, CodeError>> CodeStore::merge(std::vector<CodePackagePtr> packages) {
  std::string name = "merged";
  std::vector<std::string> folders;
  std::uint64_t bytes = 0;
  for (const auto& package : packages) {
    name += "/" + package->digest;
    folders.push_back(package->folder);
    bytes += package->unzipped_bytes;
  }
  const auto digest = store::sha256_hex(name);
  if (auto shared = co_await share_or_reserve(digest)) co_return shared;
  const auto merged = co_await pool_.run(
      loop_, [folders, temporary = temporary_folder(), folder = folder_of(digest), parent = folder_]() -> Result<> {
        LAMBENT_TRY_VOID(merge_folders(folders, temporary));
        return rename_durably(temporary, folder, parent);
      });
  if (!merged) {
    unreserve(digest);
    co_return storage_error(merged.error());
  }
  auto package = make_package(digest, 0, bytes);
  unreserve(digest);
  co_return package;
}

CodePackagePtr CodeStore::adopt(const std::string& digest, std::uint64_t zip_bytes, std::uint64_t unzipped_bytes) {
  record_added(digest);
  if (auto package = entries_.find(digest)->second.package.lock()) return package;
  return make_package(digest, zip_bytes, unzipped_bytes);
}

void CodeStore::record_added(const std::string& digest) {
  ++entries_[digest].records;
}

void CodeStore::record_removed(const std::string& digest) {
  const auto entry = entries_.find(digest);
  assert(entry != entries_.end() && entry->second.records > 0);
  --entry->second.records;
  remove_if_unused(digest);
}

CodePackagePtr CodeStore::make_package(const std::string& digest, std::uint64_t zip_bytes,
                                       std::uint64_t unzipped_bytes) {
  auto package = std::make_shared<CodePackage>();
  package->digest = digest;
  package->sha256_base64 = code_sha256_base64(digest);
  package->folder = folder_of(digest);
  package->zip_bytes = zip_bytes;
  package->unzipped_bytes = unzipped_bytes;
  package->released = [this, digest, alive = alive_] {
    if (*alive) remove_if_unused(digest);
  };
  entries_[digest].package = package;
  return package;
}

net::Task<CodePackagePtr> CodeStore::share_or_reserve(std::string digest) {
  for (;;) {
    auto& entry = entries_[digest];
    if (!entry.busy) {
      if (auto package = entry.package.lock()) co_return package;
      entry.busy = true;
      co_return nullptr;
    }
    const net::OneShot<bool> free;
    entry.waiting.push_back(free);
    co_await free;
  }
}

void CodeStore::unreserve(const std::string& digest) {
  auto& entry = entries_[digest];
  entry.busy = false;
  const auto waiting = std::exchange(entry.waiting, {});
  if (waiting.empty() && entry.package.expired() && entry.records == 0) entries_.erase(digest);
  for (const auto& waiter : waiting) loop_.post([waiter] { waiter.set(true); });
}

net::Task<std::expected<std::uint64_t, CodeError>> CodeStore::store_and_unpack(std::string digest,
                                                                               std::shared_ptr<const std::string> zip) {
  const auto stored = co_await pool_.run(loop_, [this, zip] { return blobs_.put(*zip); });
  if (!stored) co_return storage_error(stored.error());
  co_return co_await unpack(digest);
}

net::Task<std::expected<std::uint64_t, CodeError>> CodeStore::unpack(std::string digest) {
  const auto temporary = temporary_folder();
  auto destination = co_await pool_.run(loop_, [temporary] { return make_and_open_folder(temporary); });
  if (!destination) co_return storage_error(destination.error());
  auto zip = co_await pool_.run(loop_, [this, digest] { return blobs_.open_blob(digest); });
  if (!zip) co_return storage_error(zip.error());
  auto unzipped = co_await unpacker_.unpack(std::move(*zip), std::move(*destination));
  if (!unzipped) {
    const auto removed = co_await pool_.run(loop_, [temporary] { return remove_tree(temporary); });
    if (!removed) log::warning("{}", removed.error().message());
    co_return unzipped;
  }
  const auto renamed = co_await pool_.run(loop_, [temporary, folder = folder_of(digest), parent = folder_] {
    return rename_durably(temporary, folder, parent);
  });
  if (!renamed) co_return storage_error(renamed.error());
  co_return unzipped;
}

void CodeStore::remove_if_unused(const std::string& digest) {
  const auto entry = entries_.find(digest);
  if (closing_ || entry == entries_.end()) return;
  if (entry->second.busy || entry->second.records > 0 || !entry->second.package.expired()) return;
  entry->second.busy = true;
  removals_.spawn(remove(digest));
}

net::Task<> CodeStore::remove(std::string digest) {
  const auto removed =
      co_await pool_.run(loop_, [this, digest, folder = folder_of(digest), trash = temporary_folder()] {
        return remove_package(blobs_, digest, folder, trash);
      });
  // What is left is found by the next start.
  if (!removed) log::warning("{}", removed.error().message());
  unreserve(digest);
}

net::Task<Result<>> CodeStore::start() {
  std::vector<std::string> keep;
  for (const auto& [digest, entry] : entries_) keep.push_back(digest);
  const auto swept = co_await pool_.run(loop_, [this, keep] { return sweep(blobs_, folder_, keep); });
  if (!swept) co_return swept;
  Result<> first_failure;
  for (const auto& digest : keep) {
    if (::access(folder_of(digest).c_str(), F_OK) == 0) continue;
    log::warning("code package {} is not unpacked: unpacking it again", digest);
    const auto unzipped = co_await unpack(digest);
    if (!unzipped && first_failure) {
      first_failure = fail(Error::of("restore code package", digest, unzipped.error().detail));
    }
  }
  co_return first_failure;
}

net::Task<Result<std::string>> CodeStore::read_zip(std::string digest) {
  co_return co_await pool_.run(loop_, [this, digest]() -> Result<std::string> {
    LAMBENT_TRY_VOID(blobs_.open_blob(digest));
    return read_file(blobs_.path_of(digest), kReadLimit);
  });
}

net::Task<> CodeStore::close() {
  closing_ = true;
  co_await removals_.join();
}

}  // namespace lambent::catalog
