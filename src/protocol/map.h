// A map with string keys as the wire has it: sorted, flat, small (one vector), cheap to build from JSON.
//
// Building by push_back() and one sort() is O(n log n); operator[] keeps the order at O(n) an insertion and suits small
// maps. Lookups are by binary search. Iteration gives entries in byte order of their keys.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lambent::protocol {

template <class T>
class Map {
 public:
  struct Entry {
    std::string key;
    T value;
  };

  Map() = default;
  Map(std::initializer_list<Entry> entries) : entries_(entries) { sort(); }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }
  [[nodiscard]] auto begin() { return entries_.begin(); }
  [[nodiscard]] auto end() { return entries_.end(); }
  [[nodiscard]] const Entry& at_index(std::size_t index) const { return entries_[index]; }

  [[nodiscard]] const T* find(std::string_view key) const {
    const auto place = lower(entries_, key);
    return place != entries_.end() && place->key == key ? &place->value : nullptr;
  }
  [[nodiscard]] T* find(std::string_view key) { return const_cast<T*>(std::as_const(*this).find(key)); }
  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }

  T& operator[](std::string_view key) {
    auto place = lower(entries_, key);
    if (place == entries_.end() || place->key != key) place = entries_.insert(place, Entry{std::string(key), T{}});
    return place->value;
  }
  void erase(std::string_view key) {
    const auto place = lower(entries_, key);
    if (place != entries_.end() && place->key == key) entries_.erase(place);
  }

  void clear() { entries_.clear(); }
  void reserve(std::size_t size) { entries_.reserve(size); }
  // Out of order: sort() must follow before anything is looked up.
  T& push_back(std::string key, T value) {
    return entries_.emplace_back(Entry{std::move(key), std::move(value)}).value;
  }
  // Restores the order; of equal keys the one pushed last stays.
  void sort() {
    const auto ascending = [](const Entry& a, const Entry& b) { return a.key < b.key; };
    if (std::is_sorted(entries_.begin(), entries_.end(),
                       [](const Entry& a, const Entry& b) { return a.key <= b.key; })) {
      return;  // strictly ascending: what clients that sort their keys send
    }
    // By position where keys are equal, so that the last one can be told.
    std::vector<std::size_t> order(entries_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (ascending(entries_[a], entries_[b])) return true;
      return !ascending(entries_[b], entries_[a]) && a < b;
    });
    std::vector<Entry> sorted;
    sorted.reserve(order.size());
    for (const std::size_t i : order) {
      if (!sorted.empty() && sorted.back().key == entries_[i].key) {
        sorted.back().value = std::move(entries_[i].value);
      } else {
        sorted.push_back(std::move(entries_[i]));
      }
    }
    entries_ = std::move(sorted);
  }

 private:
  template <class Entries>
  static auto lower(Entries& entries, std::string_view key) {
    return std::lower_bound(entries.begin(), entries.end(), key,
                            [](const auto& entry, std::string_view wanted) { return entry.key < wanted; });
  }
  std::vector<Entry> entries_;
};

}  // namespace lambent::protocol
