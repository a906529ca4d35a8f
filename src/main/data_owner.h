// Giving the data folder to the user that the server becomes.
#pragma once

#include <string>

#include "base/error.h"
#include "main/server_user.h"

namespace lambent {

// Root made the folder, in an earlier run perhaps: everything in it becomes the user's, but lambent.toml, which tells
// root what to do. The folder itself comes last, so a run that was cut off is done again by the next. Links are given
// themselves, never what they lead to; a file of root's that has a second name is refused. The same where the folder is
// kDedicatedId's and the host has an account for the server by now. Does nothing where the user owns the folder; any
// other owner is an error. `folder` is open for reading.
Result<> give_data_folder(int folder, const std::string& path, const ServerUser& user);

// Where a folder above it is closed to the user, this process gets a mount namespace of its own in which that folder
// holds nothing but the way to the data folder. Everyone else sees what they saw. Call before threads exist.
Result<> keep_in_reach(const std::string& path, const ServerUser& user);

}  // namespace lambent
