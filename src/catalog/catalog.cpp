#include "catalog/catalog.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "base/encoding.h"
#include "catalog/function_record.h"

namespace lambent::catalog {
namespace {

constexpr std::string_view kFunctionPrefix = "f/";

std::string key_of(std::string_view name, std::string_view version = "$LATEST") {
  return fmt::format("{}{}/{}", kFunctionPrefix, name, version);
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool,
                                               net::Loop& loop, Random& random) {
  std::unique_ptr<Catalog> catalog(new Catalog(store, code, pool, loop, random));
  LAMBENT_TRY_VOID(catalog->load());
  return catalog;
}

Catalog::Catalog(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool, net::Loop& loop, Random& random)
    : store_(store), code_(code), pool_(pool), loop_(loop), marker_key_(random.hex(32)) {}

Result<> Catalog::load() {
  const auto snapshot = store_.snapshot();
  const auto cursor = snapshot->cursor(store::Space::catalog, kFunctionPrefix, store::prefix_end(kFunctionPrefix));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    auto function = decode_function(cursor->value());
    if (!function) {
      return fail(Error::of("load function", cursor->key(), function.error().detail));
    }
    function->code = code_.adopt(function->code_digest, function->code_size);
    publish(nullptr, std::make_shared<const Function>(*std::move(function)));
  }
  return cursor->status();
}

FunctionPtr Catalog::find(std::string_view name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : found->second;
}

FunctionPtr Catalog::find_by_url(std::string_view url_id) const {
  const auto found = by_url_.find(url_id);
  return found == by_url_.end() ? nullptr : found->second;
}

std::uint64_t Catalog::total_code_bytes() const {
  std::set<std::string_view> seen;
  std::uint64_t bytes = 0;
  for (const auto& [name, function] : functions_) {
    if (seen.insert(function->code_digest).second) bytes += function->code_size;
  }
  return bytes;
}

// "<check>.<name>" in base64: the last name of the page, so that paging goes on rightly while functions come and go.
std::string Catalog::sign_marker(std::string_view name) const {
  const auto check = store::sha256_hex(fmt::format("{}/{}", marker_key_, name)).substr(0, 16);
  return base64_encode(fmt::format("{}.{}", check, name));
}

CatalogResult<Page> Catalog::list(std::string_view marker, std::size_t max_items) const {
  auto at = functions_.begin();
  if (!marker.empty()) {
    const auto text = base64_decode(marker);
    const auto dot = text ? text->find('.') : std::string::npos;
    if (dot == std::string::npos || sign_marker(std::string_view(*text).substr(dot + 1)) != marker) {
      return std::unexpected(CatalogError{CatalogError::Kind::bad_marker, "Invalid Marker"});
    }
    at = functions_.upper_bound(std::string_view(*text).substr(dot + 1));
  }
  Page page;
  for (; at != functions_.end() && page.functions.size() < max_items; ++at) page.functions.push_back(at->second);
  if (at != functions_.end() && !page.functions.empty()) page.next_marker = sign_marker(page.functions.back()->name);
  return page;
}

CatalogResult<Catalog::Change> Catalog::begin_change(const std::string& name) {
  auto current = find(name);
  if (!changing_.insert(name).second) {
    return std::unexpected(CatalogError{
        CatalogError::Kind::busy,
        fmt::format("The operation cannot be performed at this time. An update is in progress for resource: {}",
                    current ? current->arn : name)});
  }
  return Change(*this, name, std::move(current));
}

net::Task<CatalogResult<>> Catalog::commit(store::WriteBatch batch) {
  const auto committed = co_await pool_.run(
      loop_, [this, batch = std::move(batch)] { return store_.commit(batch, store::Durability::sync); });
  if (!committed) {
    co_return std::unexpected(CatalogError{CatalogError::Kind::storage, committed.error().message()});
  }
  co_return CatalogResult<>();
}

void Catalog::publish(const FunctionPtr& previous, const FunctionPtr& next) {
  if (previous && previous->url) by_url_.erase(previous->url->url_id);
  if (!next) {
    functions_.erase(previous->name);
    return;
  }
  functions_[next->name] = next;
  if (next->url) by_url_[next->url->url_id] = next;
}

Catalog::Change::Change(Catalog& catalog, std::string name, FunctionPtr current)
    : catalog_(&catalog), name_(std::move(name)), current_(std::move(current)) {}

Catalog::Change::Change(Change&& other) noexcept
    : catalog_(std::exchange(other.catalog_, nullptr)),
      name_(std::move(other.name_)),
      current_(std::move(other.current_)) {}

Catalog::Change::~Change() {
  if (catalog_) catalog_->changing_.erase(name_);
}

net::Task<CatalogResult<FunctionPtr>> Catalog::Change::commit(Function next) {
  assert(next.name == name_ && next.code && next.code->digest == next.code_digest);
  auto record = std::make_shared<const Function>(std::move(next));
  store::WriteBatch batch;
  batch.put(store::Space::catalog, key_of(name_), encode_function(*record));
  auto committed = co_await catalog_->commit(std::move(batch));
  // After a failed commit too: whether the record is in the log is unknown until a restart, so its code must stay.
  catalog_->code_.record_added(record->code_digest);
  if (!committed) co_return std::unexpected(std::move(committed.error()));
  catalog_->publish(current_, record);
  if (current_) catalog_->code_.record_removed(current_->code_digest);
  current_ = record;
  co_return record;
}

net::Task<CatalogResult<>> Catalog::Change::erase() {
  assert(current_);
  store::WriteBatch batch;
  batch.remove(store::Space::catalog, key_of(name_));
  auto committed = co_await catalog_->commit(std::move(batch));
  if (!committed) co_return std::unexpected(std::move(committed.error()));
  catalog_->publish(current_, nullptr);
  const auto digest = current_->code_digest;
  catalog_->code_.record_removed(digest);
  current_ = nullptr;
  co_return CatalogResult<>();
}

}  // namespace lambent::catalog
