#include "identity/presign.h"

#include <fmt/format.h>

#include <array>

#include "base/encoding.h"
#include "base/time_format.h"
#include "identity/crypto.h"
#include "identity/sigv4.h"

namespace lambent::identity {

std::string presign(const Credential& credential, const PresignRequest& request, Wall now) {
  Crypto crypto;
  const std::string amz_date = format_amz_date(now);
  const Scope scope{std::string_view(amz_date).substr(0, 8), request.region, request.service};
  const std::string credential_scope =
      fmt::format("{}/{}/{}/{}/aws4_request", credential.keys.access_key_id, scope.date, scope.region, scope.service);
  std::string query =
      fmt::format("{}{}X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
                  request.query, request.query.empty() ? "" : "&", kAlgorithm, percent_encode(credential_scope),
                  amz_date, request.lifetime.count());
  if (!credential.session_token.empty()) {
    query += "&X-Amz-Security-Token=" + percent_encode(credential.session_token);
  }
  const std::array<HeaderView, 1> headers = {{{"host", request.host}}};
  constexpr std::array<std::string_view, 1> kSigned = {"host"};
  const RequestView view{request.method, request.path, query, headers, {}, {}};
  const std::string payload = request.service == "s3" ? std::string(kUnsignedPayload) : crypto.sha256_hex({});
  const std::string canonical = canonical_request(view, kSigned, payload, path_rule(request.service));
  const Digest key = signing_key(crypto, credential.keys.secret_access_key, scope);
  return fmt::format("{}?{}&X-Amz-Signature={}", request.path, query,
                     signature(crypto, key, string_to_sign(crypto, amz_date, scope, canonical)));
}

}  // namespace lambent::identity
