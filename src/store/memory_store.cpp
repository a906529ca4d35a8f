#include "store/memory_store.h"

#include <cerrno>
#include <mutex>

namespace lambent::store {

class MemoryCursor final : public Cursor {
 public:
  MemoryCursor(const MemoryStore& store, Space space, std::uint64_t sequence, std::string_view lower,
               std::string_view upper)
      : store_(store),
        keys_(store.spaces_[static_cast<std::size_t>(space)]),
        sequence_(sequence),
        lower_(lower),
        upper_(upper) {}

  void seek_first() override { seek(lower_); }
  void seek(std::string_view key) override {
    const std::shared_lock lock(store_.mutex_);
    settle_forward(keys_.lower_bound(std::max(key, std::string_view(lower_))));
  }
  void seek_last() override {
    const std::shared_lock lock(store_.mutex_);
    settle_backward(upper_.empty() ? keys_.end() : keys_.lower_bound(upper_));
  }
  void seek_back(std::string_view key) override {
    if (!upper_.empty() && key >= upper_) return seek_last();
    const std::shared_lock lock(store_.mutex_);
    settle_backward(keys_.upper_bound(key));
  }
  void next() override {
    const std::shared_lock lock(store_.mutex_);
    settle_forward(keys_.upper_bound(key_));
  }
  void previous() override {
    const std::shared_lock lock(store_.mutex_);
    settle_backward(keys_.lower_bound(key_));
  }
  [[nodiscard]] bool valid() const override { return valid_; }
  [[nodiscard]] std::string_view key() const override { return key_; }
  [[nodiscard]] std::string_view value() const override { return value_; }
  [[nodiscard]] Result<> status() const override { return {}; }

 private:
  using Position = MemoryStore::Keys::const_iterator;

  bool stop_at(Position at) {
    const auto* value = MemoryStore::visible(at->second, sequence_);
    if (value == nullptr) return false;
    valid_ = true;
    key_ = at->first;
    value_ = *value;
    return true;
  }
  void settle_forward(Position at) {
    valid_ = false;
    for (; at != keys_.end() && (upper_.empty() || at->first < upper_); ++at) {
      if (stop_at(at)) return;
    }
  }
  // The last visible key before `end`.
  void settle_backward(Position end) {
    valid_ = false;
    while (end != keys_.begin()) {
      --end;
      if (end->first < lower_ || stop_at(end)) return;
    }
  }

  const MemoryStore& store_;
  const MemoryStore::Keys& keys_;
  std::uint64_t sequence_;
  std::string lower_, upper_;
  bool valid_ = false;
  std::string key_, value_;
};

class MemorySnapshot final : public Snapshot {
 public:
  MemorySnapshot(const MemoryStore& store, std::uint64_t sequence) : store_(store), sequence_(sequence) {}
  [[nodiscard]] Result<std::optional<std::string>> get(Space space, std::string_view key) const override {
    const std::shared_lock lock(store_.mutex_);
    return store_.get_at(space, key, sequence_);
  }
  [[nodiscard]] std::unique_ptr<Cursor> cursor(Space space, std::string_view lower,
                                               std::string_view upper) const override {
    return std::make_unique<MemoryCursor>(store_, space, sequence_, lower, upper);
  }

 private:
  const MemoryStore& store_;
  std::uint64_t sequence_;
};

const std::string* MemoryStore::visible(const Versions& versions, std::uint64_t sequence) {
  auto at = versions.upper_bound(sequence);
  if (at == versions.begin()) return nullptr;
  --at;
  return at->second ? &*at->second : nullptr;
}

std::optional<std::string> MemoryStore::get_at(Space space, std::string_view key, std::uint64_t sequence) const {
  const auto& keys = spaces_[static_cast<std::size_t>(space)];
  const auto at = keys.find(key);
  if (at == keys.end()) return std::nullopt;
  const auto* value = visible(at->second, sequence);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

Result<std::optional<std::string>> MemoryStore::get(Space space, std::string_view key) const {
  const std::shared_lock lock(mutex_);
  return get_at(space, key, sequence_);
}

std::unique_ptr<Snapshot> MemoryStore::snapshot() const {
  const std::shared_lock lock(mutex_);
  return std::make_unique<MemorySnapshot>(*this, sequence_);
}

Result<> MemoryStore::commit(const WriteBatch& batch, Durability durability) {
  const std::unique_lock lock(mutex_);
  if (failure_) {
    Error error =
        Error::of("commit to", "memory", "read-only since an earlier write failed (" + failure_->message() + ")");
    error.code = EROFS;
    return fail(std::move(error));
  }
  if (fail_in_ > 0 && --fail_in_ == 0) {
    failure_ = Error{.step = "commit to", .target = "memory", .code = fail_code_, .detail = {}};
    return fail(*failure_);
  }
  ++sequence_;
  for (const auto& change : batch.changes()) {
    spaces_[static_cast<std::size_t>(change.space)][change.key][sequence_] = change.value;
  }
  if (durability == Durability::sync) {
    synced_sequence_ = sequence_;
    ++synced_commits_;
  }
  return {};
}

std::optional<Error> MemoryStore::failure() const {
  const std::shared_lock lock(mutex_);
  return failure_;
}

void MemoryStore::fail_commit(int nth, int code) {
  const std::unique_lock lock(mutex_);
  fail_in_ = nth;
  fail_code_ = code;
}

void MemoryStore::crash() {
  const std::unique_lock lock(mutex_);
  for (auto& keys : spaces_) {
    for (auto& [key, versions] : keys) versions.erase(versions.upper_bound(synced_sequence_), versions.end());
  }
  sequence_ = synced_sequence_;
  failure_.reset();
}

std::uint64_t MemoryStore::commits() const {
  const std::shared_lock lock(mutex_);
  return sequence_;
}

std::uint64_t MemoryStore::synced_commits() const {
  const std::shared_lock lock(mutex_);
  return synced_commits_;
}

}  // namespace lambent::store
