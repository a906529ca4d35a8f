#include "sandbox/paths.h"

#include <algorithm>

namespace lambent::sandbox {

bool is_plain_absolute_path(std::string_view path) {
  if (path.empty() || path[0] != '/' || path.size() > 4095 || path.find('\0') != std::string_view::npos) return false;
  if (path == "/") return true;
  std::size_t start = 1;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    start = end + 1;
  }
  return true;
}

}  // namespace lambent::sandbox
