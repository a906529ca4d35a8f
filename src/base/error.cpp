#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace lambent {

std::string Error::message() const {
  std::string text = step;
  if (!target.empty()) text += " " + target;
  if (!detail.empty()) text += ": " + detail;
  if (code != 0) {
    char buffer[128];
    text += ": ";
    text += strerror_r(code, buffer, sizeof buffer);
  }
  return text;
}

Error Error::from_errno(std::string_view step, std::string_view target) {
  return Error{.step = std::string(step), .target = std::string(target), .code = errno, .detail = {}};
}

Error Error::of(std::string_view step, std::string_view target, std::string_view detail) {
  return Error{.step = std::string(step), .target = std::string(target), .code = 0, .detail = std::string(detail)};
}

}  // namespace lambent
