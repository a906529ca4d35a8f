#include "catalog/function_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace lambent::catalog {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool all_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_word);
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, is_digit);
}

// "us-east-1", "us-gov-west-1", "eusc-de-east-1": letters and dashes, a dash and one digit at the end.
bool is_region(std::string_view text) {
  if (text.size() < 6 || text.size() > 32 || !is_digit(text.back()) || text[text.size() - 2] != '-') return false;
  const auto head = text.substr(0, text.size() - 2);
  return std::ranges::all_of(head, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }) && head.front() != '-';
}

bool is_partition(std::string_view text) {
  return text.starts_with("aws") &&
         std::ranges::all_of(text, [](char c) { return is_word(c) && !is_digit(c) && c != '_'; });
}

bool is_qualifier(std::string_view text) {
  return text.size() <= 128 && (text == kLatest || all_word(text));
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (parts.size() < 9) {
    const auto colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
  }
  return parts;
}

std::unexpected<NameError> malformed(std::string_view text) {
  return std::unexpected(
      NameError{NameError::Kind::malformed,
                fmt::format("1 validation error detected: Value '{}' at 'functionName' failed to satisfy constraint: "
                            "Member must satisfy regular expression pattern: "
                            "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{{2}}(-gov)?-[a-z]+-\\d{{1}}:)?(\\d{{12}}:)?"
                            "(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
                            text)});
}

}  // namespace

std::string Home::function_arn(std::string_view name, std::string_view qualifier) const {
  if (qualifier.empty()) return fmt::format("arn:aws:lambda:{}:{}:function:{}", region, account_id, name);
  return fmt::format("arn:aws:lambda:{}:{}:function:{}:{}", region, account_id, name, qualifier);
}

std::expected<FunctionName, NameError> parse_function_name(std::string_view text) {
  if (text.empty() || text.size() > 256) return malformed(text.substr(0, 256));
  const auto parts = split(text);
  FunctionName result;
  std::size_t at = 0;
  if (parts[0] == "arn" && parts.size() > 1) {
    // arn:partition:lambda:region:account:function:name[:qualifier]
    if (parts.size() < 7 || !is_partition(parts[1]) || parts[2] != "lambda" || !is_region(parts[3]) ||
        !is_account(parts[4]) || parts[5] != "function") {
      return malformed(text);
    }
    result.region = parts[3];
    result.account = parts[4];
    at = 6;
  } else if (parts.size() >= 3 && is_account(parts[0]) && parts[1] == "function") {
    result.account = parts[0];
    at = 2;
  } else if (parts.size() >= 2 && parts[0] == "function" && parts.size() <= 3) {
    at = 1;
  }
  const std::size_t left = parts.size() - at;
  if (left < 1 || left > 2 || !all_word(parts[at])) return malformed(text);
  result.name = parts[at];
  if (left == 2) {
    if (!is_qualifier(parts[at + 1])) return malformed(text);
    result.qualifier = parts[at + 1];
  }
  if (result.name.size() > kFunctionNameLength) {
    return std::unexpected(
        NameError{NameError::Kind::too_long,
                  fmt::format("1 validation error detected: Value '{}' at 'functionName' failed to satisfy constraint: "
                              "Member must have length less than or equal to 64",
                              result.name)});
  }
  return result;
}

std::expected<FunctionName, NameError> resolve_function_name(const Home& home, std::string_view text,
                                                             std::string_view qualifier_parameter) {
  auto parsed = parse_function_name(text);
  if (!parsed) return parsed;
  if (!parsed->region.empty() && parsed->region != home.region) {
    return std::unexpected(NameError{
        NameError::Kind::other_region,
        fmt::format("Functions from '{}' are not reachable in this region ('{}')", parsed->region, home.region)});
  }
  if (!parsed->account.empty() && parsed->account != home.account_id) {
    return std::unexpected(
        NameError{NameError::Kind::other_account,
                  fmt::format("User: arn:aws:iam::{}:root is not authorized to perform this operation on resource: "
                              "arn:aws:lambda:{}:{}:function:{}",
                              home.account_id, home.region, parsed->account, parsed->name)});
  }
  if (!qualifier_parameter.empty()) {
    if (!parsed->qualifier.empty() && parsed->qualifier != qualifier_parameter) {
      return std::unexpected(
          NameError{NameError::Kind::qualifier_mismatch,
                    "The derived qualifier from the function name does not match the specified qualifier."});
    }
    parsed->qualifier = qualifier_parameter;
  }
  return parsed;
}

}  // namespace lambent::catalog
