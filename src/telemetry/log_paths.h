// Where a function's log files stand.
#pragma once

#include <string>
#include <string_view>

namespace lambent::telemetry {

// Function names are letters, digits, '-' and '_' (AWS's pattern); anything else has no folder.
bool has_log_folder(std::string_view function);

std::string logs_folder(const std::string& data_dir);                                // DIR/logs
std::string log_folder(const std::string& logs_folder, std::string_view function);   // DIR/logs/<function>
std::string current_log(const std::string& logs_folder, std::string_view function);  // …/current.log
std::string previous_log(const std::string& logs_folder, std::string_view function);

}  // namespace lambent::telemetry
