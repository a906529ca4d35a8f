#include "triggers/mapping_positions.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"

namespace lambent::triggers {
namespace {

constexpr auto kSpace = store::Space::triggers;
constexpr std::string_view kPrefix = "p/";
constexpr char kEnd = '.';    // begins the value of a shard that is read to its end
constexpr char kAfter = '>';  // begins all others

std::string prefix_of(std::string_view mapping) {
  return fmt::format("{}{}/", kPrefix, mapping);
}

std::string key_of(std::string_view mapping, std::string_view shard) {
  return prefix_of(mapping).append(shard);
}

}  // namespace

Result<> MappingPositions::load() {
  const auto snapshot = store_.snapshot();
  const auto cursor = snapshot->cursor(kSpace, kPrefix, store::prefix_end(kPrefix));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    const auto value = cursor->value();
    if (value.empty() || (value.front() != kEnd && value.front() != kAfter)) {
      return fail(Error::of("load", cursor->key(), "no position"));
    }
    positions_[std::string(cursor->key())] = {std::string(value.substr(1)), value.front() == kEnd};
  }
  return cursor->status();
}

std::optional<MappingPosition> MappingPositions::find(std::string_view mapping, std::string_view shard) const {
  const auto found = positions_.find(key_of(mapping, shard));
  return found == positions_.end() ? std::nullopt : std::optional(found->second);
}

bool MappingPositions::has_any(std::string_view mapping) const {
  const auto prefix = prefix_of(mapping);
  const auto first = positions_.lower_bound(prefix);
  return first != positions_.end() && first->first.starts_with(prefix);
}

void MappingPositions::set(std::string_view mapping, std::string_view shard, MappingPosition position) {
  auto key = key_of(mapping, shard);
  store::WriteBatch batch;
  batch.put(kSpace, key, std::string(1, position.is_end ? kEnd : kAfter) + position.after);
  submit(std::move(batch));
  positions_[std::move(key)] = std::move(position);
}

void MappingPositions::forget(std::string_view mapping) {
  const auto prefix = prefix_of(mapping);
  store::WriteBatch batch;
  auto at = positions_.lower_bound(prefix);
  while (at != positions_.end() && at->first.starts_with(prefix)) {
    batch.remove(kSpace, at->first);
    at = positions_.erase(at);
  }
  if (!batch.empty()) submit(std::move(batch));
}

void MappingPositions::keep_only(const std::set<std::string, std::less<>>& mappings) {
  std::set<std::string> orphans;
  for (const auto& [key, position] : positions_) {
    const std::string_view rest = std::string_view(key).substr(kPrefix.size());
    const std::string_view mapping = rest.substr(0, rest.find('/'));
    if (!mappings.contains(mapping)) orphans.emplace(mapping);
  }
  for (const auto& orphan : orphans) forget(orphan);
}

// A position that is not kept means records that come again; the store tells of what is wrong with the disk.
void MappingPositions::submit(store::WriteBatch batch) {
  committer_.submit(std::move(batch), store::Durability::nosync, [](const Result<>& result) {
    if (!result) log::error("position of an event source mapping: {}", result.error().message());
  });
}

}  // namespace lambent::triggers
