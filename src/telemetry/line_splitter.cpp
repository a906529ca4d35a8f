#include "telemetry/line_splitter.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambent::telemetry {

void LineSplitter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, newline);
    if (newline != std::string_view::npos && partial_.empty() && cut_ == 0 && piece.size() <= limit_) {
      emit(piece);
    } else {
      const std::size_t room = limit_ - std::min(limit_, partial_.size());
      partial_ += piece.substr(0, room);
      cut_ += piece.size() - std::min(piece.size(), room);
      if (newline != std::string_view::npos) finish();
    }
    if (newline == std::string_view::npos) return;
    bytes.remove_prefix(newline + 1);
    // An empty line right after its newline has nothing left in partial_; emit() above has said it.
  }
}

void LineSplitter::finish() {
  if (partial_.empty() && cut_ == 0) return;
  if (cut_ > 0) partial_ += fmt::format(" [lambent: line cut, {} bytes dropped]", cut_);
  cut_ = 0;
  emit(partial_);
  partial_.clear();
  if (partial_.capacity() > 64 * 1024) partial_.shrink_to_fit();
}

void LineSplitter::emit(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  on_line_(line);
}

}  // namespace lambent::telemetry
