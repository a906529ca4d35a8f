// Small files, read and written so that a crash leaves the old content or the new, never a mixture.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace lambent {

// The whole content; fails where the file is longer than `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit = 64U << 20U);

// Writes a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder.
Result<> write_file_durably(const std::string& path, std::string_view content, mode_t mode = 0644);

// Writes all bytes, over short writes and EINTR.
Result<> write_all(int fd, std::string_view bytes, std::string_view target);

// Makes the folder and those above it where missing.
Result<> make_folders(const std::string& path, mode_t mode = 0755);

// Makes renames and new entries in a folder survive a power cut.
Result<> sync_folder(const std::string& path);

}  // namespace lambent
