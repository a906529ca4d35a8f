// What exists: every function of this server, in memory for reading and in the store for good.
//
// Invariants: a change is one atomic write, durable (synced) before anyone can see it; a function is changed by one
// caller at a time; a record that was handed out never changes. Keys in the store's space `catalog`:
// "f/<name>/$LATEST" and "f/<name>/<version, ten digits>" (Function), "a/<name>/<alias>" (Alias), "s/<name>"
// (Settings). So that publishing the ten thousandth version writes as little as publishing the first.
//
// Thread rule: all members on the loop's thread; commits run on the pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
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
#include "catalog/entry.h"
#include "catalog/function.h"
#include "catalog/markers.h"
#include "net/loop.h"
#include "net/one_shot.h"
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
  std::vector<FunctionPtr> functions;
  std::string next_marker;  // empty at the end
};

struct AliasPage {
  std::vector<AliasPtr> aliases;
  std::string next_marker;
};

// What one change does to a function, all of it or nothing.
struct Edit {
  std::optional<Function> latest;     // its code must be set; a URL id must not be in use elsewhere
  std::optional<Function> published;  // `version` is its number: a new one, or another record of that version
  std::optional<std::uint64_t> erased_version;
  std::optional<Alias> alias;  // new or changed
  std::string erased_alias;
  std::optional<Settings> settings;
};

// Whose URL it is.
struct UrlTarget {
  const Entry* entry;                      // valid until the next change
  std::shared_ptr<const FunctionUrl> url;  // never null
  std::string qualifier;                   // an alias, or empty: $LATEST
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
    [[nodiscard]] const Entry* entry() const { return catalog_->entry(name_); }
    // Its $LATEST, or null.
    [[nodiscard]] FunctionPtr current() const { return catalog_->find(name_); }
    // Makes the edit durable, then visible. The first one of a new function sets `latest`.
    net::Task<CatalogResult<>> commit(Edit edit);
    // Removes the function with its versions, aliases and URLs.
    net::Task<CatalogResult<>> erase();

   private:
    friend class Catalog;
    Change(Catalog& catalog, std::string name) : catalog_(&catalog), name_(std::move(name)) {}
    Catalog* catalog_;
    std::string name_;
  };

  // Reads every record; fails where one is damaged or newer than this program, naming it. Blocks on the disk: called
  // once, before the loop runs. All references outlive the catalog.
  static Result<std::unique_ptr<Catalog>> open(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool,
                                               net::Loop& loop, Random& random);
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // Null where there is none. Valid until the next co_await.
  [[nodiscard]] const Entry* entry(std::string_view name) const;
  // Its $LATEST; null where there is none.
  [[nodiscard]] FunctionPtr find(std::string_view name) const;
  [[nodiscard]] std::optional<UrlTarget> find_by_url(std::string_view url_id) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  // Runtime identifiers of all functions, each once.
  [[nodiscard]] std::set<std::string> runtimes_in_use() const;
  // What PutFunctionConcurrency has given to functions, all together.
  [[nodiscard]] std::uint64_t reserved_concurrency() const;
  [[nodiscard]] const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  // Of all packages as uploaded, each counted once; bytes.
  [[nodiscard]] std::uint64_t total_code_bytes() const;

  // Each gives at most `max_items` (> 0), after the place that `marker` names (empty: from the start). Markers are
  // valid for the life of the process; what they point to may be gone.
  // Every function's $LATEST, by name; with `all_versions` its published ones after it.
  [[nodiscard]] CatalogResult<Page> list(std::string_view marker, std::size_t max_items,
                                         bool all_versions = false) const;
  // $LATEST, then the others by number.
  [[nodiscard]] CatalogResult<Page> list_versions(const Entry& entry, std::string_view marker,
                                                  std::size_t max_items) const;
  // By name; `version` (empty: any) is one that the alias may lead to.
  [[nodiscard]] CatalogResult<AliasPage> list_aliases(const Entry& entry, std::string_view version,
                                                      std::string_view marker, std::size_t max_items) const;

  [[nodiscard]] const Markers& markers() const { return markers_; }

  // Kind::busy where the function is being changed.
  CatalogResult<Change> begin_change(const std::string& name);
  // Waits for the changes before it: for settings, which AWS changes while a function is updated.
  net::Task<Change> begin_change_in_turn(std::string name);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Catalog(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool, net::Loop& loop, Random& random);
  Result<> load();
  net::Task<CatalogResult<>> commit(store::WriteBatch batch);
  void publish(const std::string& name, Edit edit, FunctionPtr latest, FunctionPtr published);
  void index_url(const std::string& name, const std::string& qualifier, const std::optional<FunctionUrl>& before,
                 const std::optional<FunctionUrl>& after);
  void release(const std::string& name);
  // The packages that a stored record keeps on disk.
  void record_added(const Function& function);
  void record_removed(const Function& function);

  struct UrlPlace {
    std::string name;
    std::string qualifier;
  };

  store::KeyValueStore& store_;
  CodeStore& code_;
  net::WorkPool& pool_;
  net::Loop& loop_;
  Markers markers_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::unordered_map<std::string, UrlPlace, Hash, std::equal_to<>> by_url_;
  std::map<std::string, std::deque<net::OneShot<bool>>, std::less<>> changing_;  // and who waits for their turn
};

}  // namespace lambent::catalog
