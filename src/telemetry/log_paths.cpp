#include "telemetry/log_paths.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambent::telemetry {

bool has_log_folder(std::string_view function) {
  return !function.empty() && function.size() <= 140 && std::ranges::all_of(function, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string logs_folder(const std::string& data_dir) {
  return data_dir + "/logs";
}

std::string log_folder(const std::string& logs_folder, std::string_view function) {
  return fmt::format("{}/{}", logs_folder, function);
}

std::string current_log(const std::string& logs_folder, std::string_view function) {
  return fmt::format("{}/{}/current.log", logs_folder, function);
}

std::string previous_log(const std::string& logs_folder, std::string_view function) {
  return fmt::format("{}/{}/previous.log", logs_folder, function);
}

}  // namespace lambent::telemetry
