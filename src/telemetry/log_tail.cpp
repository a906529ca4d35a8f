#include "telemetry/log_tail.h"

namespace lambent::telemetry {

void LogTail::append(std::string_view line) {
  if (line.size() > limit_) line.remove_prefix(line.size() - limit_);
  text_ += line;
  text_ += '\n';
  // Cut only when it pays: each byte is then moved at most once.
  if (text_.size() > 2 * limit_) text_.erase(0, text_.size() - limit_);
}

std::string LogTail::text() const {
  std::size_t start = text_.size() > limit_ ? text_.size() - limit_ : 0;
  while (start < text_.size() && (static_cast<unsigned char>(text_[start]) & 0xC0U) == 0x80U) ++start;
  return text_.substr(start);
}

}  // namespace lambent::telemetry
