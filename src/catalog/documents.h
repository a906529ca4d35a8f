// Things of the account that are small and rarely change (code signing, event source mappings), as JSON by kind and id.
// Keys in the space `catalog`: "d/<kind>/<id>". Thread rule: all members on the loop's thread; commits run on the pool.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/loop.h"
#include "net/task.h"
#include "net/work_pool.h"
#include "store/key_value_store.h"

namespace lambent::catalog {

class Documents {
 public:
  using Kind = std::map<std::string, std::string, std::less<>>;  // text by id

  static Result<std::unique_ptr<Documents>> open(store::KeyValueStore& store, net::WorkPool& pool, net::Loop& loop);

  [[nodiscard]] const Kind& all(std::string_view kind) const;
  // Makes or replaces it; without a text it is removed. Durable, then visible. `kind` and `id` contain no '/'.
  net::Task<Result<>> put(std::string kind, std::string id, std::optional<std::string> text);

 private:
  Documents(store::KeyValueStore& store, net::WorkPool& pool, net::Loop& loop)
      : store_(store), pool_(pool), loop_(loop) {}
  Result<> load();

  store::KeyValueStore& store_;
  net::WorkPool& pool_;
  net::Loop& loop_;
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace lambent::catalog
