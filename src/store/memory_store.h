// The key-value store without a disk, for tests: keeps every version, and fails or loses what a real disk could.
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <shared_mutex>

#include "store/key_value_store.h"

namespace lambent::store {

class MemoryStore final : public KeyValueStore {
 public:
  [[nodiscard]] Result<std::optional<std::string>> get(Space space, std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<Snapshot> snapshot() const override;
  [[nodiscard]] std::unique_ptr<Snapshot> memory_snapshot() const override { return snapshot(); }
  [[nodiscard]] Result<> copy_to(const std::string& folder) const override {
    return fail(Error{.step = "copy store", .target = folder, .code = ENOTSUP, .detail = "it is in memory"});
  }
  Result<> commit(const WriteBatch& batch, Durability durability) override;
  [[nodiscard]] std::optional<Error> failure() const override;

  // The nth commit from now (1 is the next) fails with this errno (ENOSPC, EIO); nothing of it is applied.
  void fail_commit(int nth, int code);
  // What a power cut and a restart do: commits after the last synced one are gone, and the store takes writes again.
  // No snapshot or cursor may be in use.
  void crash();
  // Commits that succeeded, and those of them that asked for sync.
  [[nodiscard]] std::uint64_t commits() const;
  [[nodiscard]] std::uint64_t synced_commits() const;

 private:
  friend class MemorySnapshot;
  friend class MemoryCursor;
  // Versions of a key, oldest first; nothing: removed.
  using Versions = std::map<std::uint64_t, std::optional<std::string>>;
  using Keys = std::map<std::string, Versions, std::less<>>;

  // The value a reader at `sequence` sees; null where it sees none. Needs mutex_.
  static const std::string* visible(const Versions& versions, std::uint64_t sequence);
  [[nodiscard]] std::optional<std::string> get_at(Space space, std::string_view key, std::uint64_t sequence) const;

  mutable std::shared_mutex mutex_;  // guards all below
  std::array<Keys, kSpaceNames.size()> spaces_;
  std::uint64_t sequence_ = 0;
  std::uint64_t synced_sequence_ = 0;
  std::uint64_t synced_commits_ = 0;
  int fail_in_ = 0;
  int fail_code_ = 0;
  std::optional<Error> failure_;
};

}  // namespace lambent::store
