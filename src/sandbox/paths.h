// The one form of path that crosses into a sandbox: absolute, and meaning the same however it is read.
#pragma once

#include <string_view>

namespace lambent::sandbox {

// "/" or "/a/b": no empty, "." or ".." parts, no NUL, no part over 255 bytes, 4,095 bytes at most.
bool is_plain_absolute_path(std::string_view path);

}  // namespace lambent::sandbox
