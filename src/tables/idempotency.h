// Client tokens of transactions: the same transaction sent again within ten minutes is not done again.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tables/requests.h"
#include "tables/staging.h"

namespace lambent::tables {

// Writer's thread only, but for load.
class IdempotencyTokens {
 public:
  Result<> load(const store::Snapshot& snapshot);

  // True where this token has done this very transaction; a token with other parameters is refused.
  TablesResult<bool> done_before(const std::string& token, const std::string& fingerprint, std::int64_t now_ms) const;
  // Stages that it is done now, and forgets tokens that are too old.
  void note(const std::string& token, const std::string& fingerprint, std::int64_t now_ms, Staging& staging);

 private:
  struct Known {
    std::string fingerprint;
    std::int64_t at_ms = 0;
  };
  void add(const std::string& token, Known known);

  std::map<std::string, Known> known_;
  std::multimap<std::int64_t, std::string> by_age_;
};

// The same for equal requests, and only for those.
std::string fingerprint_of(const std::vector<WriteRequest>& requests);

}  // namespace lambent::tables
