// AWS Signature Version 4: the texts that are signed, and the signature over them. Source: "Create a signed AWS API
// request" in the IAM User Guide. Used for checking (verifier.h) and for our own URLs (presign.h).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "identity/crypto.h"
#include "identity/request_view.h"
#include "identity/scope.h"

namespace lambent::identity {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// S3 signs the path as it is; every other service signs the normalised path, encoded once more.
enum class PathRule { normalised, verbatim };
PathRule path_rule(std::string_view service);

std::string canonical_path(std::string_view raw_path, PathRule rule);

// Sorted and re-encoded; a parameter named `leave_out` (percent-decoded) is not taken: the signature itself.
std::string canonical_query(std::string_view raw_query, std::string_view leave_out = {});

// Values of one header, trimmed, inner runs of white space made one space, joined by commas in order of arrival.
// Appends nothing for a header that is not there.
void append_canonical_value(std::string& out, std::span<const HeaderView> headers, std::string_view lower_name);

// `signed_headers` are lower-case and sorted; `payload_hash` is hexadecimal or UNSIGNED-PAYLOAD.
std::string canonical_request(const RequestView& request, std::span<const std::string_view> signed_headers,
                              std::string_view payload_hash, PathRule rule, std::string_view leave_out_of_query = {});

// `amz_date` is "20261123T053400Z".
std::string string_to_sign(Crypto& crypto, std::string_view amz_date, const Scope& scope,
                           std::string_view canonical_request);

Digest signing_key(Crypto& crypto, std::string_view secret, const Scope& scope);

// 64 lower-case hexadecimal digits.
std::string signature(Crypto& crypto, const Digest& key, std::string_view string_to_sign);

}  // namespace lambent::identity
