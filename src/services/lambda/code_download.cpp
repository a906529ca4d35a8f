#include "services/lambda/code_download.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace lambent::services::lambda {
namespace {

edge::Response xml_error(int status, std::string_view code, std::string_view message) {
  edge::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/xml");
  response.body = fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?>)"
                              "\n<Error><Code>{}</Code><Message>{}</Message></Error>",
                              code, message);
  return response;
}

}  // namespace

std::string code_download_path(std::string_view digest) {
  return fmt::format("{}{}", kCodeDownloadPrefix, digest);
}

bool is_code_download(std::string_view path) {
  return path.starts_with(kCodeDownloadPrefix);
}

net::Task<edge::Response> CodeDownload::respond(const edge::RequestHead& head) {
  if (head.method != "GET" && head.method != "HEAD") {
    co_return xml_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.");
  }
  std::vector<identity::HeaderView> headers;
  for (const auto& [name, value] : head.headers) headers.push_back({name, value});
  const identity::RequestView request{.method = "GET",  // a HEAD is allowed to whoever may GET
                                      .path = head.path(),
                                      .query = head.query(),
                                      .headers = headers,
                                      .body = {},
                                      .body_sha256 = {}};
  const auto principal = verifier_.verify(request, {.service = kCodeDownloadService});
  if (!principal) co_return xml_error(403, "AccessDenied", "Access Denied");

  auto zip = co_await code_.read_zip(std::string(head.path().substr(kCodeDownloadPrefix.size())));
  if (!zip) co_return xml_error(404, "NoSuchKey", "The specified key does not exist.");
  edge::Response response;
  response.headers.add("Content-Type", "application/zip");
  response.body = std::move(*zip);
  co_return response;
}

}  // namespace lambent::services::lambda
