// The signing keys that were derived from one secret: four HMACs that stay the same for a day, a region and a service.
//
// They live and end with the secret (they are a member of its Credential), so none is left of a key that was revoked or
// has another secret now. At most kMax are kept, of which the one that was used longest ago goes first; whatever goes
// is overwritten. Thread safety: none; the event loop's thread, like the CredentialStore's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "identity/crypto.h"
#include "identity/scope.h"

namespace lambent::identity {

class SigningKeys {
 public:
  // Clients use a region or two and a handful of services.
  static constexpr std::size_t kMax = 16;

  SigningKeys() = default;
  ~SigningKeys() = default;
  // A copy starts empty.
  SigningKeys(const SigningKeys&) {}
  SigningKeys& operator=(const SigningKeys&) {
    entries_.clear();
    return *this;
  }
  SigningKeys(SigningKeys&&) noexcept = default;
  SigningKeys& operator=(SigningKeys&&) noexcept = default;

  // Null where it is not there. Valid until the next keep().
  [[nodiscard]] const Digest* find(const Scope& scope);
  // Of a scope that find() did not find.
  void keep(const Scope& scope, const Digest& key);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Entry(const Scope& scope, const Digest& derived)
        : date(scope.date), region(scope.region), service(scope.service), key(derived) {}
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    std::string date;
    std::string region;
    std::string service;
    Digest key;
  };
  std::vector<std::unique_ptr<Entry>> entries_;  // the last one used first
};

}  // namespace lambent::identity
