// What layers exist, in memory for reading and in the store for good; beside the Catalog, and like it: a change is
// durable before anyone sees it, and a record that was handed out never changes. Keys in the space `catalog`:
// "l/<name>/<version, ten digits>" (LayerVersion) and "n/<name>" (the highest number ever given).
//
// Thread rule: all members on the loop's thread; commits run on the pool.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "catalog/code_store.h"
#include "catalog/layer.h"
#include "net/loop.h"
#include "net/task.h"
#include "net/work_pool.h"
#include "store/key_value_store.h"

namespace lambent::catalog {

class Layers {
 public:
  struct Layer {
    std::uint64_t last_version = 0;
    std::map<std::uint64_t, LayerVersionPtr, std::greater<>> versions;  // the newest first
  };

  // Reads every record; see Catalog::open. Before CodeStore::start().
  static Result<std::unique_ptr<Layers>> open(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool,
                                              net::Loop& loop);

  // Null where there is none.
  [[nodiscard]] LayerVersionPtr find(std::string_view name, std::uint64_t version) const;
  [[nodiscard]] const std::map<std::string, Layer, std::less<>>& all() const { return layers_; }

  // Changes of one layer one after the other, which the callers see to: commits of two at once may change places.
  // Gives it the next number.
  net::Task<Result<LayerVersionPtr>> publish(LayerVersion layer);
  // Puts this in the place of the version with its number, which is there, with the same code.
  net::Task<Result<>> replace(LayerVersion layer);
  // Functions that have it keep it. Nothing where it is not there.
  net::Task<Result<>> erase(std::string name, std::uint64_t version);

 private:
  Layers(store::KeyValueStore& store, CodeStore& code, net::WorkPool& pool, net::Loop& loop)
      : store_(store), code_(code), pool_(pool), loop_(loop) {}
  Result<> load();
  net::Task<Result<>> commit(store::WriteBatch batch);

  store::KeyValueStore& store_;
  CodeStore& code_;
  net::WorkPool& pool_;
  net::Loop& loop_;
  std::map<std::string, Layer, std::less<>> layers_;
};

}  // namespace lambent::catalog
