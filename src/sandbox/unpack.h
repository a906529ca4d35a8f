// Unpacking a zip package: limits and outcomes, shared by the confined helper (unzip.h) and the client of the spawner.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace lambent::sandbox {

struct UnpackLimits {
  std::uint64_t unzipped_bytes = 250 * kMiB;  // counted as written, whatever the archive claims
  std::uint32_t entries = 100'000;
  std::chrono::milliseconds time{60'000};
};

struct UnpackReport {
  std::uint32_t entries = 0;  // 0: the archive is valid and empty (AWS refuses such a package)
  std::uint64_t bytes = 0;    // of all files
};

enum class UnpackFailure : std::uint32_t {
  none = 0,
  not_a_zip = 1,      // no central directory, truncated
  corrupt = 2,        // bad compression, checksum or structure inside
  encrypted = 3,      // an entry needs a password
  unsupported = 4,    // a compression method that is not deflate or store
  unsafe_path = 5,    // an entry's name leaves the folder: "..", absolute, backslash, drive letter, control characters
  unsafe_link = 6,    // a symbolic link whose target leaves the folder
  unsafe_kind = 7,    // device, FIFO or socket
  duplicate = 8,      // two entries of one name, or a file where another entry needs a folder
  name_too_long = 9,  // a part over 255 bytes or a path over 4,095
  too_many_bytes = 10,  // over UnpackLimits::unzipped_bytes
  too_many_entries = 11,
  time_limit = 12,
  no_space = 13,  // the disk is full
  internal = 14,  // anything else of the host; UnpackError::detail says what
};

std::string_view name_of(UnpackFailure failure);

struct UnpackError {
  UnpackFailure failure = UnpackFailure::internal;
  std::string detail;  // one line: the entry and what is wrong with it
};

}  // namespace lambent::sandbox
