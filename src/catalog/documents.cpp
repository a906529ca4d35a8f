#include "catalog/documents.h"

#include <fmt/format.h>

#include <utility>

namespace lambent::catalog {
namespace {

constexpr auto kSpace = store::Space::catalog;
constexpr std::string_view kPrefix = "d/";

}  // namespace

Result<std::unique_ptr<Documents>> Documents::open(store::KeyValueStore& store, net::WorkPool& pool, net::Loop& loop) {
  std::unique_ptr<Documents> documents(new Documents(store, pool, loop));
  LAMBENT_TRY_VOID(documents->load());
  return documents;
}

Result<> Documents::load() {
  const auto snapshot = store_.snapshot();
  const auto cursor = snapshot->cursor(kSpace, kPrefix, store::prefix_end(kPrefix));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    auto rest = cursor->key().substr(kPrefix.size());
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return fail(Error::of("load", cursor->key(), "no kind"));
    kinds_[std::string(rest.substr(0, slash))][std::string(rest.substr(slash + 1))] = std::string(cursor->value());
  }
  return cursor->status();
}

const Documents::Kind& Documents::all(std::string_view kind) const {
  static const Kind kNone;
  const auto found = kinds_.find(kind);
  return found == kinds_.end() ? kNone : found->second;
}

net::Task<Result<>> Documents::put(std::string kind, std::string id, std::optional<std::string> text) {
  store::WriteBatch batch;
  const auto key = fmt::format("{}{}/{}", kPrefix, kind, id);
  if (text) {
    batch.put(kSpace, key, *text);
  } else {
    batch.remove(kSpace, key);
  }
  const auto committed = co_await pool_.run(
      loop_, [this, batch = std::move(batch)] { return store_.commit(batch, store::Durability::sync); });
  if (!committed) co_return committed;
  if (text) {
    kinds_[kind][id] = *std::move(text);
  } else {
    kinds_[kind].erase(id);
  }
  co_return Result<>();
}

}  // namespace lambent::catalog
