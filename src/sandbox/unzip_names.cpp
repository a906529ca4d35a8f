#include <algorithm>

#include "sandbox/unzip.h"

namespace lambent::sandbox {

std::optional<UnpackFailure> check_entry_name(std::string_view name) {
  if (!name.empty() && name.back() == '/') name.remove_suffix(1);
  if (name.size() > 4095) return UnpackFailure::name_too_long;
  if (name.empty() || name[0] == '/') return UnpackFailure::unsafe_path;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(name, is_control) || name.find('\\') != std::string_view::npos)
    return UnpackFailure::unsafe_path;
  const bool has_drive =
      name.size() >= 2 && name[1] == ':' && ((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z'));
  if (has_drive) return UnpackFailure::unsafe_path;
  for (std::size_t start = 0; start <= name.size();) {
    const auto end = std::min(name.find('/', start), name.size());
    const auto part = name.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return UnpackFailure::unsafe_path;
    if (part.size() > 255) return UnpackFailure::name_too_long;
    start = end + 1;
  }
  return std::nullopt;
}

bool is_link_inside(std::string_view link, std::string_view target) {
  if (target.empty() || target.size() > 4095 || target[0] == '/' || target.find('\0') != std::string_view::npos) {
    return false;
  }
  auto levels = std::ranges::count(link, '/');  // folders between the link and the top
  bool is_leading = true;
  for (std::size_t start = 0; start <= target.size();) {
    const auto end = std::min(target.find('/', start), target.size());
    const auto part = target.substr(start, end - start);
    start = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      is_leading = false;
    } else if (!is_leading || --levels < 0) {
      return false;
    }
  }
  return true;
}

}  // namespace lambent::sandbox
