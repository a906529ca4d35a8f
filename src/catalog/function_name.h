// The forms in which AWS clients name a function: a bare name, a partial ARN ("123456789012:function:hello") or a full
// ARN, each with or without ":qualifier". Source: the FunctionName parameter in the Lambda API reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace lambent::catalog {

inline constexpr std::size_t kFunctionNameLength = 64;
inline constexpr std::string_view kLatest = "$LATEST";

// What a client wrote, taken apart. Absent parts are empty.
struct FunctionName {
  std::string name;
  std::string qualifier;  // "$LATEST", a version's number or an alias
  std::string region;     // of a full ARN
  std::string account;    // of a partial or full ARN
};

struct NameError {
  enum class Kind {
    malformed,           // ValidationException
    too_long,            // ValidationException
    other_region,        // ResourceNotFoundException
    other_account,       // AccessDeniedException
    qualifier_mismatch,  // InvalidParameterValueException
  };
  Kind kind;
  std::string message;  // AWS's text
};

// Where this server's functions live: the region and account of the ARNs it makes.
struct Home {
  std::string region = "us-east-1";
  std::string account_id = "000000000000";

  // "arn:aws:lambda:<region>:<account>:function:<name>", with ":<qualifier>" where one is given.
  [[nodiscard]] std::string function_arn(std::string_view name, std::string_view qualifier = {}) const;
};

// Syntax only.
std::expected<FunctionName, NameError> parse_function_name(std::string_view text);

// Parses, then checks that region and account are this server's and that a separate Qualifier parameter (empty where
// none) agrees with the one in `text`. The result's qualifier is the one that holds, empty where neither gave one.
std::expected<FunctionName, NameError> resolve_function_name(const Home& home, std::string_view text,
                                                             std::string_view qualifier_parameter = {});

}  // namespace lambent::catalog
