// A file that is part of the binary (cmake/EmbedFiles.cmake).
#pragma once

#include <span>
#include <string_view>

namespace lambent {

struct EmbeddedFile {
  std::string_view path;  // relative
  std::string_view content;
};

}  // namespace lambent
