#include "main/function_url_style.h"

#include "base/files.h"

namespace lambent {

bool resolves_localhost_names(std::string_view nsswitch) {
  while (!nsswitch.empty()) {
    const auto end = nsswitch.find('\n');
    const std::string_view line = nsswitch.substr(0, nsswitch.substr(0, end).find('#'));
    if (line.starts_with("hosts:") &&
        (line.find("myhostname") != std::string_view::npos || line.find("resolve") != std::string_view::npos)) {
      return true;
    }
    if (end == std::string_view::npos) break;
    nsswitch.remove_prefix(end + 1);
  }
  return false;
}

catalog::FunctionUrlAddress::Style resolve_function_url_style(const Config& config) {
  using Style = catalog::FunctionUrlAddress::Style;
  switch (config.function_url_style) {
    case FunctionUrlStyle::host:
      return Style::host;
    case FunctionUrlStyle::path:
      return Style::path;
    case FunctionUrlStyle::automatic:
      break;
  }
  if (config.url_domain != "localhost") return Style::host;
  const auto nsswitch = read_file("/etc/nsswitch.conf");
  return nsswitch && resolves_localhost_names(*nsswitch) ? Style::host : Style::path;
}

}  // namespace lambent
