// The event that a function gets for an HTTP request to its URL: payload format 2.0, byte for byte as AWS writes it.
// Source: "Request payload format" in the Lambda developer guide's page on function URLs.
//
// On the way of every call by URL: text is only appended, nothing is built and thrown away.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace lambent::triggers {

struct HeaderField {
  std::string_view name;  // any case
  std::string_view value;
};

// The caller of a URL with AuthType AWS_IAM.
struct IamCaller {
  std::string_view access_key;
  std::string_view account_id;
  std::string_view caller_id;
  std::string_view user_arn;
  std::string_view user_id;
};

// Views must outlive the call they are given to.
struct UrlRequest {
  std::string_view method;
  std::string_view raw_path;   // percent-encoded, the path style's prefix taken off
  std::string_view raw_query;  // percent-encoded, without '?'
  std::string_view protocol = "HTTP/1.1";
  std::span<const HeaderField> headers;  // as received, Cookie among them
  std::string_view body;
  std::string_view source_ip;
  std::string_view url_id;
  std::string_view domain_name;  // of the Host header, without port
  std::string_view account_id;   // of this server: shown for signed callers; "anonymous" otherwise
  std::string_view request_id;
  Wall time;
  const IamCaller* iam = nullptr;
};

// JSON text.
std::string make_url_event(const UrlRequest& request);

// True for content types whose bodies are handed over as text: text/*, JSON, XML, JavaScript and forms. Others, and
// text that is not UTF-8, are base64.
bool is_text_content(std::string_view content_type);

}  // namespace lambent::triggers
