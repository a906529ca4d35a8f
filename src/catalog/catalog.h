// What exists: every function of this server, in memory for reading and in the store for good.
//
// Invariants: a change is durable (synced) before anyone can see it; a function is changed by one caller at a time, and
// a second one is refused, not queued, as AWS does; a record that was handed out never changes. Keys in the store's
// space `catalog`: "f/<name>/$LATEST". Versions, aliases and layers are to join under prefixes of their own.
//
// Thread rule: all members on the loop's thread; commits run on the pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "catalog/code_store.h"
#include "catalog/function.h"
#include "net/loop.h"
#include "net/task.h"
#include "net/work_pool.h"
#include "store/key_value_store.h"

namespace lambent::catalog {

struct CatalogError {
  enum class Kind {
    busy,        // another change of the same function is under way: 409
    bad_marker,  // a paging token that this catalog did not make: 400
    storage,     // the change could not be made durable; nothing of it is visible: 500
  };
  Kind kind;
  std::string message;
};

template <class T = void>
using CatalogResult = std::expected<T, CatalogError>;

struct Page {
  std::vector<FunctionPtr> functions;  // by name
  std::string next_marker;             // empty at the end
};

class Catalog {
 public:
  // The right to change one function, held from begin_change() until destruction. While it is held the function stays
  // as it is, unless the holder commits. Must not outlive the catalog.
  class Change {
   public:
    Change(Change&& other) noexcept;
    Change& operator=(Change&&) = delete;
    ~Change();

    // Null where there is no such function (yet).
    [[nodiscard]] const FunctionPtr& current() const { return current_; }
    // Makes the record durable, then visible, and returns it. Its name must be the one of begin_change; its code must
    // be set. A URL id must not be another function's.
    net::Task<CatalogResult<FunctionPtr>> commit(Function next);
    // Removes the function with its URL.
    net::Task<CatalogResult<>> erase();

   private:
    friend class Catalog;
    Change(Catalog& catalog, std::string name, FunctionPtr current);
    Catalog* catalog_;
    std::string name_;
    FunctionPtr current_;
  };

  // Reads every record; fails where one is damaged or newer than this program, naming it. Blocks on the disk: called
  // once, before the loop runs. All references outlive the catalog.
  static Result<std::unique_ptr<Catalog>> open(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool,
                                               net::Loop& loop, Random& random);
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // Null where there is none.
  [[nodiscard]] FunctionPtr find(std::string_view name) const;
  [[nodiscard]] FunctionPtr find_by_url(std::string_view url_id) const;
  [[nodiscard]] std::size_t size() const { return functions_.size(); }
  // Of all packages as uploaded, each counted once; bytes.
  [[nodiscard]] std::uint64_t total_code_bytes() const;

  // At most `max_items` (> 0), after the place that `marker` names (empty: from the start). Markers are valid for the
  // life of the process.
  [[nodiscard]] CatalogResult<Page> list(std::string_view marker, std::size_t max_items) const;

  // Kind::busy where the function is being changed.
  CatalogResult<Change> begin_change(const std::string& name);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Catalog(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool, net::Loop& loop, Random& random);
  Result<> load();
  net::Task<CatalogResult<>> commit(store::WriteBatch batch);
  void publish(const FunctionPtr& previous, const FunctionPtr& next);
  [[nodiscard]] std::string sign_marker(std::string_view name) const;

  store::KeyValueStore& store_;
  CodeStore& code_;
  net::WorkPool& pool_;
  net::Loop& loop_;
  std::string marker_key_;  // random: makes markers unforgeable
  std::map<std::string, FunctionPtr, std::less<>> functions_;
  std::unordered_map<std::string, FunctionPtr, Hash, std::equal_to<>> by_url_;
  std::set<std::string, std::less<>> changing_;
};

}  // namespace lambent::catalog
