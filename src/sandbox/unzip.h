// Unpacking one zip archive into an empty folder: pure file work, run by the confined helper (unpack_helper.h).
//
// Whatever the archive says, nothing outside the folder is written and no link of the archive is ever followed: links
// are made last. Names are refused rather than repaired.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "sandbox/unpack.h"

namespace lambent::sandbox {

// Why an entry's name is refused; nothing where it is a safe relative path ("a/b", or "a/b/" for a folder).
std::optional<UnpackFailure> check_entry_name(std::string_view name);

// True where a link at `link` (a safe relative path) with this target stays inside the folder, however other links
// like it are resolved on the way: "..", if any, stands only in front.
bool is_link_inside(std::string_view link, std::string_view target);

// `archive` and `destination` stay open. On failure the folder is emptied. Synced to disk on success.
std::expected<UnpackReport, UnpackError> unzip(int archive, int destination, const UnpackLimits& limits);

// Removes what is in a folder, following no link; best effort, as its owner throws the folder away after a failure.
void empty_folder(int folder);

}  // namespace lambent::sandbox
