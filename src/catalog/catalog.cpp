#include "catalog/catalog.h"

#include <fmt/format.h>

#include <cassert>
#include <set>
#include <utility>

#include "catalog/function_name.h"
#include "catalog/function_record.h"

namespace lambent::catalog {
namespace {

constexpr std::string_view kFunctionPrefix = "f/";
constexpr std::string_view kAliasPrefix = "a/";
constexpr std::string_view kSettingsPrefix = "s/";

std::string latest_key(std::string_view name) {
  return fmt::format("{}{}/{}", kFunctionPrefix, name, kLatest);
}

// Digits enough that the order of keys is the order of numbers.
std::string version_key(std::string_view name, std::uint64_t version) {
  return fmt::format("{}{}/{:010}", kFunctionPrefix, name, version);
}

std::string alias_key(std::string_view name, std::string_view alias) {
  return fmt::format("{}{}/{}", kAliasPrefix, name, alias);
}

std::string settings_key(std::string_view name) {
  return fmt::format("{}{}", kSettingsPrefix, name);
}

// "a/<name>/<alias>" and the like: the name.
std::string name_in_key(std::string_view key) {
  key.remove_prefix(2);
  return std::string(key.substr(0, key.find('/')));
}

// Calls `take` with key and value of each record; its error is reported with the key.
template <class Take>
Result<> each_record(const store::Snapshot& snapshot, std::string_view prefix, Take take) {
  const auto cursor = snapshot.cursor(store::Space::catalog, prefix, store::prefix_end(prefix));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    const Result<> taken = take(cursor->key(), cursor->value());
    if (!taken) return fail(Error::of("load", cursor->key(), taken.error().detail));
  }
  return cursor->status();
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool,
                                               net::Loop& loop, Random& random) {
  std::unique_ptr<Catalog> catalog(new Catalog(store, code, pool, loop, random));
  LAMBENT_TRY_VOID(catalog->load());
  return catalog;
}

Catalog::Catalog(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool, net::Loop& loop, Random& random)
    : store_(store), code_(code), pool_(pool), loop_(loop), markers_(random) {}

Result<> Catalog::load() {
  const auto snapshot = store_.snapshot();
  LAMBENT_TRY_VOID(
      each_record(*snapshot, kFunctionPrefix, [this](std::string_view, std::string_view value) -> Result<> {
        LAMBENT_TRY(auto function, decode_function(value));
        function.code = code_.adopt(function.code_digest, function.code_size, function.code_unzipped);
        if (!function.layers_digest.empty()) function.layers_code = code_.adopt(function.layers_digest, 0);
        const auto record = std::make_shared<const Function>(std::move(function));
        auto& entry = entries_[record->name];
        if (const auto number = version_number(record->version)) {
          entry.versions[*number] = record;
        } else {
          entry.latest = record;
          index_url(record->name, "", std::nullopt, record->url);
        }
        return {};
      }));
  for (const auto& [name, entry] : entries_) {
    if (!entry.latest) return fail(Error::of("load", name, "a version without its function"));
  }
  LAMBENT_TRY_VOID(
      each_record(*snapshot, kAliasPrefix, [this](std::string_view key, std::string_view value) -> Result<> {
        LAMBENT_TRY(auto alias, decode_alias(value));
        const auto entry = entries_.find(name_in_key(key));
        if (entry == entries_.end()) return fail(Error::of("load", key, "an alias without its function"));
        index_url(entry->first, alias.name, std::nullopt, alias.url);
        const std::string name = alias.name;
        entry->second.aliases[name] = std::make_shared<const Alias>(std::move(alias));
        return {};
      }));
  return each_record(*snapshot, kSettingsPrefix, [this](std::string_view key, std::string_view value) -> Result<> {
    LAMBENT_TRY(auto settings, decode_settings(value));
    const auto entry = entries_.find(name_in_key(key));
    if (entry == entries_.end()) return fail(Error::of("load", key, "settings without their function"));
    entry->second.settings = std::make_shared<const Settings>(std::move(settings));
    return {};
  });
}

const Entry* Catalog::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

std::set<std::string> Catalog::runtimes_in_use() const {
  std::set<std::string> runtimes;
  for (const auto& [name, entry] : entries_) runtimes.insert(entry.latest->runtime);
  return runtimes;
}

FunctionPtr Catalog::find(std::string_view name) const {
  const auto* found = entry(name);
  return found ? found->latest : nullptr;
}

std::optional<UrlTarget> Catalog::find_by_url(std::string_view url_id) const {
  const auto found = by_url_.find(url_id);
  if (found == by_url_.end()) return std::nullopt;
  const auto& [name, qualifier] = found->second;
  const auto* of = entry(name);
  if (qualifier.empty()) return UrlTarget{of, {of->latest, &*of->latest->url}, {}};
  const auto alias = of->alias(qualifier);
  return UrlTarget{of, {alias, &*alias->url}, qualifier};
}

std::uint64_t Catalog::reserved_concurrency() const {
  std::uint64_t sum = 0;
  for (const auto& [name, entry] : entries_) sum += entry.settings->reserved_concurrency.value_or(0);
  return sum;
}

std::uint64_t Catalog::total_code_bytes() const {
  std::set<std::string_view> seen;
  std::uint64_t bytes = 0;
  const auto count = [&](const Function& function) {
    if (seen.insert(function.code_digest).second) bytes += function.code_size;
  };
  for (const auto& [name, entry] : entries_) {
    count(*entry.latest);
    for (const auto& [number, version] : entry.versions) count(*version);
  }
  return bytes;
}

CatalogResult<Catalog::Change> Catalog::begin_change(const std::string& name) {
  if (!changing_.try_emplace(name).second) {
    const auto current = find(name);
    return std::unexpected(CatalogError{
        CatalogError::Kind::busy,
        fmt::format("The operation cannot be performed at this time. An update is in progress for resource: {}",
                    current ? current->arn : name)});
  }
  return Change(*this, name);
}

net::Task<Catalog::Change> Catalog::begin_change_in_turn(std::string name) {
  const auto [place, is_first] = changing_.try_emplace(name);
  if (!is_first) {
    const net::OneShot<bool> turn;
    place->second.push_back(turn);
    std::ignore = co_await turn;
  }
  co_return Change(*this, std::move(name));
}

void Catalog::release(const std::string& name) {
  const auto place = changing_.find(name);
  assert(place != changing_.end());
  if (place->second.empty()) {
    changing_.erase(place);
    return;
  }
  const auto next = place->second.front();
  place->second.pop_front();
  loop_.post([next] { next.set(true); });
}

net::Task<CatalogResult<>> Catalog::commit(store::WriteBatch batch) {
  const auto committed = co_await pool_.run(
      loop_, [this, batch = std::move(batch)] { return store_.commit(batch, store::Durability::sync); });
  if (!committed) {
    co_return std::unexpected(CatalogError{CatalogError::Kind::storage, committed.error().message()});
  }
  co_return CatalogResult<>();
}

void Catalog::record_added(const Function& function) {
  code_.record_added(function.code_digest);
  if (!function.layers_digest.empty()) code_.record_added(function.layers_digest);
}

void Catalog::record_removed(const Function& function) {
  code_.record_removed(function.code_digest);
  if (!function.layers_digest.empty()) code_.record_removed(function.layers_digest);
}

void Catalog::index_url(const std::string& name, const std::string& qualifier, const std::optional<FunctionUrl>& before,
                        const std::optional<FunctionUrl>& after) {
  if (before) by_url_.erase(before->url_id);
  if (after) by_url_[after->url_id] = {name, qualifier};
}

void Catalog::publish(const std::string& name, Edit edit, FunctionPtr latest, FunctionPtr published) {
  auto& entry = entries_[name];
  std::vector<FunctionPtr> former;
  if (latest) {
    index_url(name, "", entry.latest ? entry.latest->url : std::nullopt, latest->url);
    if (entry.latest) former.push_back(entry.latest);
    entry.latest = std::move(latest);
  }
  if (published) {
    auto& place = entry.versions[*version_number(published->version)];
    if (place) former.push_back(place);
    place = std::move(published);
  }
  if (edit.erased_version) {
    former.push_back(entry.versions.at(*edit.erased_version));
    entry.versions.erase(*edit.erased_version);
  }
  if (edit.alias) {
    auto alias = std::make_shared<const Alias>(*std::move(edit.alias));
    const auto before = entry.alias(alias->name);
    index_url(name, alias->name, before ? before->url : std::nullopt, alias->url);
    entry.aliases.insert_or_assign(alias->name, alias);
  }
  if (!edit.erased_alias.empty()) {
    index_url(name, "", entry.aliases.at(edit.erased_alias)->url, std::nullopt);
    entry.aliases.erase(edit.erased_alias);
  }
  if (edit.settings) entry.settings = std::make_shared<const Settings>(*std::move(edit.settings));
  for (const auto& function : former) record_removed(*function);
}

Catalog::Change::Change(Change&& other) noexcept
    : catalog_(std::exchange(other.catalog_, nullptr)), name_(std::move(other.name_)) {}

Catalog::Change::~Change() {
  if (catalog_) catalog_->release(name_);
}

net::Task<CatalogResult<>> Catalog::Change::commit(Edit edit) {
  assert(entry() || edit.latest);
  constexpr auto kSpace = store::Space::catalog;
  store::WriteBatch batch;
  const auto put_function = [&](std::optional<Function>& function, const std::string& key) -> FunctionPtr {
    assert(function->name == name_ && function->code && function->code->digest == function->code_digest);
    batch.put(kSpace, key, encode_function(*function));
    return std::make_shared<const Function>(*std::exchange(function, std::nullopt));
  };
  FunctionPtr latest;
  FunctionPtr published;
  if (edit.latest) latest = put_function(edit.latest, latest_key(name_));
  if (edit.published) {
    published = put_function(edit.published, version_key(name_, *version_number(edit.published->version)));
  }
  if (edit.erased_version) batch.remove(kSpace, version_key(name_, *edit.erased_version));
  if (edit.alias) batch.put(kSpace, alias_key(name_, edit.alias->name), encode_alias(*edit.alias));
  if (!edit.erased_alias.empty()) batch.remove(kSpace, alias_key(name_, edit.erased_alias));
  if (edit.settings) batch.put(kSpace, settings_key(name_), encode_settings(*edit.settings));

  auto committed = co_await catalog_->commit(std::move(batch));
  // After a failed commit too: whether a record is in the log is unknown until a restart, so its code must stay.
  if (latest) catalog_->record_added(*latest);
  if (published) catalog_->record_added(*published);
  if (!committed) co_return std::unexpected(std::move(committed.error()));
  catalog_->publish(name_, std::move(edit), std::move(latest), std::move(published));
  co_return CatalogResult<>();
}

net::Task<CatalogResult<>> Catalog::Change::erase() {
  assert(entry());
  constexpr auto kSpace = store::Space::catalog;
  store::WriteBatch batch;
  batch.remove(kSpace, latest_key(name_));
  batch.remove(kSpace, settings_key(name_));
  for (const auto& [number, version] : entry()->versions) batch.remove(kSpace, version_key(name_, number));
  for (const auto& [alias, record] : entry()->aliases) batch.remove(kSpace, alias_key(name_, alias));
  auto committed = co_await catalog_->commit(std::move(batch));
  if (!committed) co_return std::unexpected(std::move(committed.error()));

  const auto gone = catalog_->entries_.extract(name_);
  const auto& erased = gone.mapped();
  catalog_->index_url(name_, "", erased.latest->url, std::nullopt);
  for (const auto& [alias, record] : erased.aliases) catalog_->index_url(name_, "", record->url, std::nullopt);
  catalog_->record_removed(*erased.latest);
  for (const auto& [number, version] : erased.versions) catalog_->record_removed(*version);
  co_return CatalogResult<>();
}

}  // namespace lambent::catalog
