// Whether a payload is JSON; it is never rewritten, only looked at.
#pragma once

#include <optional>
#include <string>

namespace lambent::services::lambda {

// What is wrong with the text, or nothing where it is one JSON value of any kind. About 1 GB/s.
std::optional<std::string> json_problem(const std::string& text);

bool is_json_object(const std::string& text);

}  // namespace lambent::services::lambda
