// What GetFunction's Code.Location leads to: the zip as it was uploaded, to whoever holds a valid presigned URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/code_store.h"
#include "edge/http.h"
#include "identity/verifier.h"
#include "net/task.h"

namespace lambent::services::lambda {

// The URL is signed as for S3, whose presigned URLs leave the body out.
inline constexpr std::string_view kCodeDownloadService = "s3";
inline constexpr std::string_view kCodeDownloadPrefix = "/_lambent/code/";

std::string code_download_path(std::string_view digest);

// True for requests that belong here, whatever their signature.
bool is_code_download(std::string_view path);

// Answers GET and HEAD of "/_lambent/code/<digest>?X-Amz-…": 200 application/zip, or S3's errors as XML: 403 for a
// signature that is missing, wrong or too old, 404 where the package is gone, 405 for other methods. `head` must stay
// until the task has ended.
class CodeDownload {
 public:
  CodeDownload(catalog::CodeStore& code, identity::Verifier& verifier) : code_(code), verifier_(verifier) {}
  net::Task<edge::Response> respond(const edge::RequestHead& head);

 private:
  catalog::CodeStore& code_;
  identity::Verifier& verifier_;
};

}  // namespace lambent::services::lambda
