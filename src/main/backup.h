// A copy of the data folder as it is at one moment, made while the server works: backups/TIME in the data folder
// itself.
//
// What is large and never changes (the store's tables, code packages) is linked, not copied, so a backup is quick and
// costs little space until the original goes; it has to be copied elsewhere to be of use when the disk fails. It is a
// data folder: a server started with it has every function, table and event that was acknowledged before the backup
// began.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "main/data_folder.h"
#include "store/blob_store.h"
#include "store/key_value_store.h"

namespace lambent {

// Blocks on the disk: for a thread of the pool, one at a time. The finished folder. Where anything fails nothing is
// left, and what an interrupted backup left is removed by the next.
Result<std::string> make_backup(const DataFolder& data, const store::KeyValueStore& store,
                                const store::BlobStore& blobs, Wall now);

}  // namespace lambent
