#include "identity/credentials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/files.h"
#include "identity/crypto.h"

namespace lambent::identity {
namespace {

constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kSecretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kTokenLength = 256;
constexpr std::size_t kFileLimit = 64 * 1024;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool is_word(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool valid_access_key(std::string_view id) {
  return id.size() >= 3 && id.size() <= 128 && std::ranges::all_of(id, is_word);
}

bool valid_secret(std::string_view secret) {
  return secret.size() >= 8 && secret.size() <= 128 &&
         std::ranges::all_of(secret, [](char c) { return c > ' ' && c < '\x7f'; });
}

// The mode is that of the file opened, not of whatever stands under the name a moment later.
Result<std::string> read_private_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open", path);
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return fail_errno("read", path);
  if ((status.st_mode & 077) != 0) {
    return fail(Error::of("read credentials", path,
                          fmt::format("others than its owner may use this file (mode {:04o}); run: chmod 600 {}",
                                      status.st_mode & 07777, path)));
  }
  return read_file(fmt::format("/proc/self/fd/{}", fd.get()), kFileLimit);
}

KeyPair default_profile(std::string_view content) {
  KeyPair keys;
  bool in_default = false;
  while (!content.empty()) {
    const auto end = content.find('\n');
    const std::string_view line = trim(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      in_default = line == "[default]";
      continue;
    }
    const auto equals = line.find('=');
    if (!in_default || equals == std::string_view::npos) continue;
    const std::string_view key = trim(line.substr(0, equals));
    const std::string_view value = trim(line.substr(equals + 1));
    if (key == "aws_access_key_id") keys.access_key_id = value;
    if (key == "aws_secret_access_key") keys.secret_access_key = value;
  }
  return keys;
}

Result<KeyPair> make_credentials_file(const std::string& path, Random& random) {
  KeyPair keys{"AKIA" + random.text(16, kIdAlphabet), random.text(40, kSecretAlphabet)};
  const std::string content = fmt::format("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
                                          keys.access_key_id, keys.secret_access_key);
  LAMBENT_TRY_VOID(write_file_durably(path, content, 0600));
  return keys;
}

// The same role has the same id in every run.
std::string role_id(std::string_view arn) {
  std::string id = "AROA";
  const auto role_end = arn.rfind('/');
  const Digest digest = Crypto().sha256(arn.substr(0, role_end));
  for (std::size_t i = 0; i < 17; ++i) id += kIdAlphabet[std::to_integer<unsigned>(digest[i]) % kIdAlphabet.size()];
  return id;
}

// arn:aws:sts::<account>:…
std::string_view account_of(std::string_view arn) {
  for (int colon = 0; colon < 4; ++colon) {
    const auto at = arn.find(':');
    if (at == std::string_view::npos) return {};
    arn.remove_prefix(at + 1);
  }
  return arn.substr(0, arn.find(':'));
}

}  // namespace

std::string assumed_role_arn(std::string_view role_arn, std::string_view function_name) {
  return fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", account_of(role_arn),
                     role_arn.substr(role_arn.find_last_of("/:") + 1), function_name);
}

std::string credentials_path(const std::string& data_dir) {
  return data_dir + "/credentials";
}

Result<KeyPair> read_credentials_file(const std::string& path) {
  LAMBENT_TRY(const std::string content, read_private_file(path));
  KeyPair keys = default_profile(content);
  if (!valid_access_key(keys.access_key_id) || !valid_secret(keys.secret_access_key)) {
    return fail(Error::of("read credentials", path,
                          "profile [default] must have aws_access_key_id (3 to 128 word characters) and "
                          "aws_secret_access_key (8 to 128 characters)"));
  }
  return keys;
}

Result<> validate_root_keys(const KeyPair& keys) {
  if (!valid_access_key(keys.access_key_id)) {
    return fail(Error::of("check", "LAMBENT_ROOT_ACCESS_KEY", "must be 3 to 128 of A-Z a-z 0-9 _"));
  }
  if (!valid_secret(keys.secret_access_key)) {
    return fail(Error::of("check", "LAMBENT_ROOT_SECRET_KEY", "must be 8 to 128 printable characters without spaces"));
  }
  return {};
}

Result<CredentialStore> CredentialStore::open(const std::string& data_dir, std::string account_id,
                                              const std::optional<KeyPair>& given_root, Random& random) {
  if (given_root) {
    LAMBENT_TRY_VOID(validate_root_keys(*given_root));
    return CredentialStore(std::move(account_id), *given_root, random);
  }
  const std::string path = credentials_path(data_dir);
  auto keys = read_credentials_file(path);
  if (!keys && keys.error().code == ENOENT) keys = make_credentials_file(path, random);
  if (!keys) return fail(std::move(keys).error());
  return CredentialStore(std::move(account_id), *std::move(keys), random);
}

CredentialStore::CredentialStore(std::string account_id, KeyPair root, Random& random)
    : root_(std::move(root)), random_(&random) {
  Credential credential{root_, {}, {}};
  credential.principal.kind = PrincipalKind::root;
  credential.principal.arn = fmt::format("arn:aws:iam::{}:root", account_id);
  credential.principal.user_id = account_id;
  credential.principal.access_key_id = root_.access_key_id;
  credential.principal.account_id = std::move(account_id);
  insert(std::move(credential));
}

const Credential* CredentialStore::find(std::string_view access_key_id) const {
  const auto found = credentials_.find(access_key_id);
  return found == credentials_.end() ? nullptr : &found->second;
}

TemporaryCredentials CredentialStore::issue(std::string arn, std::string function_name) {
  TemporaryCredentials issued;
  do {
    issued.access_key_id = "ASIA" + random_->text(16, kIdAlphabet);
  } while (credentials_.contains(issued.access_key_id));
  issued.secret_access_key = random_->text(40, kSecretAlphabet);
  issued.session_token = random_->text(kTokenLength, kSecretAlphabet);

  Credential credential{{issued.access_key_id, issued.secret_access_key}, issued.session_token, {}};
  credential.principal.kind = PrincipalKind::function_role;
  credential.principal.account_id = account_of(arn);
  credential.principal.user_id = fmt::format("{}:{}", role_id(arn), function_name);
  credential.principal.access_key_id = issued.access_key_id;
  credential.principal.arn = std::move(arn);
  credential.principal.function_name = std::move(function_name);
  insert(std::move(credential));
  return issued;
}

void CredentialStore::insert(Credential credential) {
  std::string id = credential.keys.access_key_id;
  credentials_.try_emplace(std::move(id), std::move(credential));
}

void CredentialStore::revoke(std::string_view access_key_id) {
  const auto found = credentials_.find(access_key_id);
  if (found == credentials_.end() || found->second.principal.kind == PrincipalKind::root) return;
  overwrite(std::as_writable_bytes(std::span(found->second.keys.secret_access_key)));
  credentials_.erase(found);
}

}  // namespace lambent::identity
