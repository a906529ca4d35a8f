#include "triggers/mapping_positions.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/log.h"

namespace lambent::triggers {
namespace {

constexpr auto kSpace = store::Space::triggers;
constexpr std::string_view kPrefix = "p/";
constexpr char kEnd = '.';    // begins the value of a shard that is read to its end
constexpr char kAfter = '>';  // begins all others, but
constexpr char kWindow =
    'w';  // with an open window: start, end, length of the sequence number, colon, this and the state

std::string prefix_of(std::string_view mapping) {
  return fmt::format("{}{}/", kPrefix, mapping);
}

std::string key_of(std::string_view mapping, std::string_view shard) {
  return prefix_of(mapping).append(shard);
}

std::string encode(const MappingPosition& position) {
  if (!position.window) return std::string(1, position.is_end ? kEnd : kAfter) + position.after;
  const auto& window = *position.window;
  return fmt::format("{}{} {} {}:{}{}", kWindow, window.start_ms, window.end_ms, position.after.size(), position.after,
                     window.state);
}

// Cuts a number and the character behind it off the front.
std::optional<std::int64_t> cut_number(std::string_view& text, char end) {
  std::int64_t number = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(rest - text.data());
  if (failed != std::errc() || length >= text.size() || text[length] != end) return std::nullopt;
  text.remove_prefix(length + 1);
  return number;
}

std::optional<MappingPosition> decode(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char kind = text.front();
  text.remove_prefix(1);
  if (kind == kEnd || kind == kAfter) return MappingPosition{std::string(text), kind == kEnd};
  if (kind != kWindow) return std::nullopt;
  const auto start = cut_number(text, ' ');
  const auto end = start ? cut_number(text, ' ') : std::nullopt;
  const auto length = end ? cut_number(text, ':') : std::nullopt;
  if (!length || *length < 0 || static_cast<std::size_t>(*length) >= text.size()) return std::nullopt;
  const auto cut = static_cast<std::size_t>(*length);
  return MappingPosition{std::string(text.substr(0, cut)), false,
                         TumblingWindow{*start, *end, std::string(text.substr(cut))}};
}

}  // namespace

Result<> MappingPositions::load() {
  const auto snapshot = store_.snapshot();
  const auto cursor = snapshot->cursor(kSpace, kPrefix, store::prefix_end(kPrefix));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    auto position = decode(cursor->value());
    if (!position) return fail(Error::of("load", cursor->key(), "no position"));
    positions_[std::string(cursor->key())] = *std::move(position);
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
  batch.put(kSpace, key, encode(position));
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
