// The HTTP response that a function's answer stands for. Source: "Response payload format" in the Lambda developer
// guide's page on function URLs, and the framing of streamed answers in AWS's Node.js runtime client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lambent::triggers {

// The content type by which a runtime client says that a prelude comes before the body.
inline constexpr std::string_view kHttpIntegrationType = "application/vnd.awslambda.http-integration-response";

struct UrlResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // as the function wrote them; not checked
  std::vector<std::string> cookies;                          // each a Set-Cookie value
  std::string body;
};

// What a buffered answer (JSON text) stands for: an object with "statusCode" is taken apart; any other JSON is the body
// itself, 200 application/json. Nothing where the object's members are of wrong types or the text is no JSON: 502.
std::optional<UrlResponse> decode_url_answer(const std::string& payload);

// Whether the end of a streamed answer's prelude has not come yet.
bool is_within_prelude(std::string_view payload);
// A streamed answer: JSON prelude (statusCode, headers, cookies), eight NUL bytes, body. Nothing where the prelude is
// missing or wrong: 502.
std::optional<UrlResponse> decode_http_integration(std::string_view payload);

}  // namespace lambent::triggers
