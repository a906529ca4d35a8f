#include "identity/signing_keys.h"

#include <algorithm>

namespace lambent::identity {

SigningKeys::Entry::~Entry() {
  overwrite(key);
}

const Digest* SigningKeys::find(const Scope& scope) {
  const auto found = std::ranges::find_if(entries_, [&](const auto& each) {
    return each->date == scope.date && each->service == scope.service && each->region == scope.region;
  });
  if (found == entries_.end()) return nullptr;
  std::rotate(entries_.begin(), found, std::next(found));
  return &entries_.front()->key;
}

void SigningKeys::keep(const Scope& scope, const Digest& key) {
  if (entries_.size() == kMax) entries_.pop_back();
  entries_.insert(entries_.begin(), std::make_unique<Entry>(scope, key));
}

}  // namespace lambent::identity
