// Code packages on disk: the zip as an immutable blob, its content unpacked in DIR/code/<digest>/.
//
// Invariants: a folder named by a digest is always whole and synced (it is unpacked beside, under a "tmp-" name, and
// renamed); the same zip is kept once, however many functions use it; a package is removed when no stored function
// names it (the catalog tells) and nobody holds its CodePackagePtr (instances do). kill -9 at any moment leaves at most
// a "tmp-" folder or an unreferenced package, which the next start removes.
//
// Thread rule: all members on the loop's thread; disk work runs on the pool.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/random.h"
#include "catalog/code_package.h"
#include "net/loop.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "net/task.h"
#include "net/work_pool.h"
#include "store/blob_store.h"

namespace lambent::catalog {

// Why a package was refused; the API's texts are services/lambda's.
struct CodeError {
  enum class Kind {
    not_a_zip,  // damaged, encrypted, or an entry that would leave the folder
    empty,      // a valid archive without entries
    too_large,  // over the limit unzipped (bytes or entries)
    storage,    // the disk or the helper failed: not the client's fault
  };
  Kind kind;
  std::string detail;  // for the log, and for people where it is about their archive
};

// Unpacks an archive in a confined process. Implemented over the spawner; faked in tests.
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  // `zip` is read from its start; `destination` is an empty folder, opened for reading. Everything written is synced
  // on success. The result is the sum of the file sizes, bytes.
  virtual net::Task<std::expected<std::uint64_t, CodeError>> unpack(UniqueFd zip, UniqueFd destination) = 0;
};

class CodeStore {
 public:
  // Makes `folder` where missing. All references outlive the store, whose close() must be awaited before its end.
  static Result<std::unique_ptr<CodeStore>> open(std::string folder, store::BlobStore& blobs, Unpacker& unpacker,
                                                 net::WorkPool& pool, net::Loop& loop, Random& random);
  ~CodeStore();
  CodeStore(const CodeStore&) = delete;
  CodeStore& operator=(const CodeStore&) = delete;

  // Stores and unpacks; the result stays on disk as long as it is held. A package that is there already is shared.
  net::Task<std::expected<CodePackagePtr, CodeError>> put(std::string zip);

  // A package that a stored function names. Called while the catalog loads, before start(). Counts as record_added().
  CodePackagePtr adopt(const std::string& digest, std::uint64_t zip_bytes, std::uint64_t unzipped_bytes = 0);
  // One folder of several: files of a later one hide those of an earlier one. Shared by all who ask for the same. It
  // has no zip, so what is lost of it cannot be restored; it is synced before it is there.
  net::Task<std::expected<CodePackagePtr, CodeError>> merge(std::vector<CodePackagePtr> packages);

  // A durable function record names the package from now on, or no longer. Counted.
  void record_added(const std::string& digest);
  void record_removed(const std::string& digest);

  // Removes what nobody adopted and what interrupted work left; unpacks again what is missing (its error names the
  // package; the others are still done).
  net::Task<Result<>> start();

  // The zip as it was uploaded; ENOENT where there is none.
  net::Task<Result<std::string>> read_zip(std::string digest);

  // Waits for removals that are under way; none starts after it.
  net::Task<> close();

 private:
  struct Entry {
    std::weak_ptr<const CodePackage> package;
    std::size_t records = 0;  // stored functions that name it
    bool busy = false;        // being unpacked or removed
    std::vector<net::OneShot<bool>> waiting;
  };

  CodeStore(std::string folder, store::BlobStore& blobs, Unpacker& unpacker, net::WorkPool& pool, net::Loop& loop,
            Random& random);

  [[nodiscard]] std::string folder_of(const std::string& digest) const;
  [[nodiscard]] std::string temporary_folder();
  CodePackagePtr make_package(const std::string& digest, std::uint64_t zip_bytes, std::uint64_t unzipped_bytes);
  // Waits while the package is being unpacked or removed; it is then there (not null), or the caller's to make (busy).
  net::Task<CodePackagePtr> share_or_reserve(std::string digest);
  void unreserve(const std::string& digest);
  net::Task<std::expected<std::uint64_t, CodeError>> store_and_unpack(std::string digest,
                                                                      std::shared_ptr<const std::string> zip);
  net::Task<std::expected<std::uint64_t, CodeError>> unpack(std::string digest);
  void remove_if_unused(const std::string& digest);
  net::Task<> remove(std::string digest);

  std::string folder_;
  store::BlobStore& blobs_;
  Unpacker& unpacker_;
  net::WorkPool& pool_;
  net::Loop& loop_;
  Random& random_;
  net::Scope removals_;
  bool closing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // packages may outlive the store at shutdown
  std::map<std::string, Entry, std::less<>> entries_;
};

// Base64 of a hexadecimal SHA-256, as CodeSha256 shows it.
std::string code_sha256_base64(std::string_view digest);

}  // namespace lambent::catalog
