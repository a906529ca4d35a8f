#include "catalog/layers.h"

#include <fmt/format.h>

#include <utility>

#include "catalog/entry.h"

namespace lambent::catalog {
namespace {

constexpr auto kSpace = store::Space::catalog;
constexpr std::string_view kVersionPrefix = "l/";
constexpr std::string_view kNumberPrefix = "n/";

std::string version_key(std::string_view name, std::uint64_t version) {
  return fmt::format("{}{}/{:010}", kVersionPrefix, name, version);
}

std::string number_key(std::string_view name) {
  return fmt::format("{}{}", kNumberPrefix, name);
}

}  // namespace

Result<std::unique_ptr<Layers>> Layers::open(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool,
                                             net::Loop& loop) {
  std::unique_ptr<Layers> layers(new Layers(store, code, pool, loop));
  LAMBENT_TRY_VOID(layers->load());
  return layers;
}

Result<> Layers::load() {
  const auto snapshot = store_.snapshot();
  const auto numbers = snapshot->cursor(kSpace, kNumberPrefix, store::prefix_end(kNumberPrefix));
  for (numbers->seek_first(); numbers->valid(); numbers->next()) {
    const auto number = version_number(numbers->value());
    if (!number) return fail(Error::of("load", numbers->key(), "no number"));
    layers_[std::string(numbers->key().substr(kNumberPrefix.size()))].last_version = *number;
  }
  LAMBENT_TRY_VOID(numbers->status());
  const auto cursor = snapshot->cursor(kSpace, kVersionPrefix, store::prefix_end(kVersionPrefix));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    auto layer = decode_layer(cursor->value());
    if (!layer) return fail(Error::of("load", cursor->key(), layer.error().detail));
    layer->code = code_.adopt(layer->code_digest, layer->code_size, layer->code_unzipped);
    auto& versions = layers_[layer->name].versions;
    const auto number = layer->version;
    versions[number] = std::make_shared<const LayerVersion>(*std::move(layer));
  }
  return cursor->status();
}

LayerVersionPtr Layers::find(std::string_view name, std::uint64_t version) const {
  const auto layer = layers_.find(name);
  if (layer == layers_.end()) return nullptr;
  const auto found = layer->second.versions.find(version);
  return found == layer->second.versions.end() ? nullptr : found->second;
}

net::Task<Result<>> Layers::commit(store::WriteBatch batch) {
  co_return co_await pool_.run(
      loop_, [this, batch = std::move(batch)] { return store_.commit(batch, store::Durability::sync); });
}

net::Task<Result<LayerVersionPtr>> Layers::publish(LayerVersion layer) {
  layer.version = ++layers_[layer.name].last_version;
  const auto record = std::make_shared<const LayerVersion>(std::move(layer));
  store::WriteBatch batch;
  batch.put(kSpace, version_key(record->name, record->version), encode_layer(*record));
  batch.put(kSpace, number_key(record->name), std::to_string(record->version));
  const auto committed = co_await commit(std::move(batch));
  code_.record_added(record->code_digest);  // after a failure too: see Catalog::Change::commit
  if (!committed) co_return std::unexpected(committed.error());
  layers_[record->name].versions[record->version] = record;
  co_return record;
}

net::Task<Result<>> Layers::replace(LayerVersion layer) {
  const auto record = std::make_shared<const LayerVersion>(std::move(layer));
  store::WriteBatch batch;
  batch.put(kSpace, version_key(record->name, record->version), encode_layer(*record));
  const auto committed = co_await commit(std::move(batch));
  if (committed) layers_[record->name].versions[record->version] = record;
  co_return committed;
}

net::Task<Result<>> Layers::erase(std::string name, std::uint64_t version) {
  store::WriteBatch batch;
  batch.remove(kSpace, version_key(name, version));
  const auto committed = co_await commit(std::move(batch));
  if (!committed) co_return committed;
  // It may have been erased by another caller meanwhile.
  if (const auto gone = find(name, version)) {
    layers_[name].versions.erase(version);
    code_.record_removed(gone->code_digest);
  }
  co_return Result<>();
}

}  // namespace lambent::catalog
