#include "identity/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstdlib>

#include "base/encoding.h"

namespace lambent::identity {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};

// OpenSSL fails here only where its installation is broken or memory has run out; no caller could go on.
void require(bool done) {
  if (!done) std::abort();
}

}  // namespace

struct Crypto::State {
  std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>> sha256;
  std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>> hash;
  std::unique_ptr<EVP_MAC, Deleter<EVP_MAC_free>> hmac;
  std::unique_ptr<EVP_MAC_CTX, Deleter<EVP_MAC_CTX_free>> mac;
};

Crypto::Crypto() : state_(std::make_unique<State>()) {
  state_->sha256.reset(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  state_->hash.reset(EVP_MD_CTX_new());
  state_->hmac.reset(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  require(state_->sha256 && state_->hash && state_->hmac);
  state_->mac.reset(EVP_MAC_CTX_new(state_->hmac.get()));
  require(state_->mac != nullptr);
  char digest_name[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
                                   OSSL_PARAM_construct_end()};
  require(EVP_MAC_CTX_set_params(state_->mac.get(), parameters) == 1);
}

Crypto::~Crypto() = default;
Crypto::Crypto(Crypto&&) noexcept = default;
Crypto& Crypto::operator=(Crypto&&) noexcept = default;

Digest Crypto::sha256(std::string_view bytes) {
  Digest out;
  EVP_MD_CTX* hash = state_->hash.get();
  require(EVP_DigestInit_ex2(hash, state_->sha256.get(), nullptr) == 1 &&
          EVP_DigestUpdate(hash, bytes.data(), bytes.size()) == 1 &&
          EVP_DigestFinal_ex(hash, reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1);
  return out;
}

std::string Crypto::sha256_hex(std::string_view bytes) {
  return hex_encode(sha256(bytes));
}

Digest Crypto::hmac(std::span<const std::byte> key, std::string_view message) {
  // A null key would mean "keep the last one".
  static constexpr unsigned char kEmpty[1] = {};
  const auto* start = key.empty() ? kEmpty : reinterpret_cast<const unsigned char*>(key.data());
  Digest out;
  EVP_MAC_CTX* mac = state_->mac.get();
  std::size_t length = 0;
  require(EVP_MAC_init(mac, start, key.size(), nullptr) == 1 &&
          EVP_MAC_update(mac, reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1 &&
          EVP_MAC_final(mac, reinterpret_cast<unsigned char*>(out.data()), &length, out.size()) == 1);
  return out;
}

void overwrite(std::span<std::byte> secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
}

std::string sha256_hex(std::string_view bytes) {
  return Crypto().sha256_hex(bytes);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace lambent::identity
