// Every access key that this server knows: the root key pair, and one temporary key for each living function instance.
//
// Root keys: where the caller gives a pair (LAMBENT_ROOT_ACCESS_KEY and LAMBENT_ROOT_SECRET_KEY) it wins, and the file
// is neither read nor written. Otherwise DIR/credentials is read, and made at the first start: mode 0600, in the format
// of AWS's shared credentials file, profile [default]. A file that others can read is refused.
//
// Temporary keys live in memory only: instances do not outlive the server, so neither do their keys.
//
// Thread safety: none; all calls come from the event loop's thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/random.h"
#include "identity/principal.h"
#include "identity/signing_keys.h"

namespace lambent::identity {

struct KeyPair {
  std::string access_key_id;      // root: 3 to 128 word characters
  std::string secret_access_key;  // root: 8 to 128 printable characters without spaces
};

struct Credential {
  KeyPair keys;
  std::string session_token;  // empty for root
  Principal principal;
  mutable SigningKeys signing_keys{};  // of this secret
};

// What an instance is given as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
struct TemporaryCredentials {
  std::string access_key_id;  // ASIA…, 20 characters
  std::string secret_access_key;
  std::string session_token;
};

// The name of an instance's principal: arn:aws:sts::<account>:assumed-role/<role>/<function>, where `role_arn` is the
// function's Role (arn:aws:iam::<account>:role/<path/><role>).
std::string assumed_role_arn(std::string_view role_arn, std::string_view function_name);

// "DIR/credentials".
std::string credentials_path(const std::string& data_dir);

// Fails with a sentence for the operator where the file is missing, malformed or readable by others.
Result<KeyPair> read_credentials_file(const std::string& path);

// Checks a pair that the operator gave; the error names the environment variable at fault.
Result<> validate_root_keys(const KeyPair& keys);

class CredentialStore {
 public:
  // `random` must outlive the store. Fails where the file cannot be read, made, or is readable by others.
  static Result<CredentialStore> open(const std::string& data_dir, std::string account_id,
                                      const std::optional<KeyPair>& given_root, Random& random);

  // The store for tests and for callers that hold the root keys already.
  CredentialStore(std::string account_id, KeyPair root, Random& random);

  [[nodiscard]] const KeyPair& root() const { return root_; }

  // Nothing for a key that was never issued or has been revoked. Valid until the next issue or revoke.
  [[nodiscard]] const Credential* find(std::string_view access_key_id) const;

  // New keys for one instance. `arn` as assumed_role_arn makes it; account_id is taken from it.
  TemporaryCredentials issue(std::string arn, std::string function_name);

  // Adds keys that were made elsewhere; an id that is known already keeps its first keys.
  void insert(Credential credential);

  // From now on these keys are unknown, and what is kept of their secret is overwritten. Root keys cannot be revoked;
  // an unknown id does nothing.
  void revoke(std::string_view access_key_id);

  // Living temporary keys.
  [[nodiscard]] std::size_t temporary_count() const { return credentials_.size() - 1; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  KeyPair root_;
  Random* random_;
  std::unordered_map<std::string, Credential, Hash, std::equal_to<>> credentials_;
};

}  // namespace lambent::identity
