// The names in an archive's directory, read strictly, before a lenient library unpacks it.
//
// Readers of archives differ in where they look for the directory, in what they do where several places fit, and in
// whether a NUL ends a name. So that nobody looks at one content and unpacks another, only archives with one reading
// are taken: the file ends with exactly one end record, the directory lies right before the end, and is what the end
// says it is.
// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "sandbox/unpack.h"

namespace lambent::sandbox {

// In the order of the directory, as the bytes that they are. `archive` is a regular file, read by position.
std::expected<std::vector<std::string>, UnpackError> read_entry_names(int archive, std::uint32_t most);

}  // namespace lambent::sandbox
