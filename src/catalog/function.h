// What Lambent knows of a function: one immutable value per (function, version).
//
// Invariants: a record that the catalog hands out never changes; an update makes a new record with a new revision_id.
// Instances keep the record that they were started from, so a call is answered by exactly one revision.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog/code_package.h"

namespace lambent::catalog {

// https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html
struct Cors {
  bool allow_credentials = false;
  std::vector<std::string> allow_headers;
  std::vector<std::string> allow_methods;
  std::vector<std::string> allow_origins;
  std::vector<std::string> expose_headers;
  std::optional<std::int32_t> max_age_seconds;
};

// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionUrlConfig.html
struct FunctionUrl {
  std::string url_id;       // 32 lower-case letters and digits, unique in the catalog
  std::string auth_type;    // NONE or AWS_IAM
  std::string invoke_mode;  // BUFFERED or RESPONSE_STREAM
  std::optional<Cors> cors;
  std::string creation_time;       // as the API shows it
  std::string last_modified_time;  // as the API shows it
};

// By this tag a function has a new instance for each request. Its only value is kIsolationRequest.
inline constexpr const char* kIsolationTag = "lambent:isolation";
inline constexpr const char* kIsolationRequest = "request";

// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
struct Function {
  std::string name;
  std::string arn;                  // unqualified
  std::string version = "$LATEST";  // "$LATEST" or a number
  std::string description;
  std::string role;
  std::string package_type = "Zip";
  std::string runtime;       // "python3.11", "nodejs20.x", "provided.al2023", ...
  std::string handler;       // may be empty for provided.*
  std::string architecture;  // "x86_64" or "arm64"
  std::uint32_t timeout_seconds = 3;
  std::uint32_t memory_mb = 128;
  std::uint32_t ephemeral_storage_mb = 512;
  std::vector<std::pair<std::string, std::string>> environment;  // sorted by name
  std::string tracing_mode = "PassThrough";
  std::string network;    // egress/network_policy.h, from the tag lambent:network; empty: the server's default
  std::string isolation;  // from the tag lambent:isolation: kIsolationRequest, or empty
  std::vector<std::pair<std::string, std::string>> tags;  // sorted by name

  std::string code_digest;          // SHA-256 of the zip, lower-case hexadecimal: its name in blobs/ and code/
  std::string code_sha256_base64;   // the same digest, as CodeSha256 shows it
  std::uint64_t code_size = 0;      // of the zip, bytes
  std::uint64_t code_unzipped = 0;  // bytes; 0 where not known
  struct Layer {
    std::string arn;  // of the layer's version
    std::uint64_t code_size = 0;
  };
  std::vector<Layer> layers;   // a later one hides files of an earlier one
  std::string layers_digest;   // what is mounted at /opt, under code/; empty where there are none
  CodePackagePtr layers_code;  // as `code`
  CodePackagePtr code;         // the package, kept on disk as long as a record holds it; not part of the stored record

  std::string last_modified;  // format_lambda_time
  std::string revision_id;    // changes with every change that the API shows
  // Names this code and configuration: instances are of one. Unlike the revision it stays when a version is published
  // or a permission is added.
  std::string configuration_id;
  std::string state = "Pending";
  std::string state_reason;
  std::string state_reason_code;
  std::string last_update_status = "Successful";
  std::string last_update_status_reason;
  std::string last_update_status_reason_code;
  bool lacks_snapshot = false;  // has SnapStart, but what its INIT leaves cannot be forked

  // Members of CreateFunction that are kept and shown as they came, as JSON text by API member name (VpcConfig,
  // KMSKeyArn, LoggingConfig, ...). Most change nothing; DeadLetterConfig and SnapStart are read where they act.
  std::vector<std::pair<std::string, std::string>> echoed;

  std::optional<FunctionUrl> url;
};

// Whether it is a published version with SnapStart: its instances are forks of a template, where one can be made.
bool has_snap_start(const Function& function);

// DeadLetterConfig's TargetArn; empty where there is none.
std::string dead_letter_target(const Function& function);

using FunctionPtr = std::shared_ptr<const Function>;

}  // namespace lambent::catalog
