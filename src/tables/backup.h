// On-demand backups: the items of a table as they were at one moment, copied beside the tables, and their way back into
// a new table. A backup outlives its table.
//
// Copies are made in the background (tables/maintenance.h) from a snapshot that is taken once the backup is known
// on disk, so they have every change that was answered before CreateBackup was. A snapshot does not survive a restart
// of the server: the copy then begins anew, with the state of that time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tables/maintenance.h"

namespace lambent::tables {

struct Backup {
  std::string id;  // the end of its ARN: "01489602797149-73d8d5bc"
  std::string name;
  std::uint64_t data = 0;  // the items are under this, an id like a table's
  std::int64_t created_ms = 0;
  bool available = false;  // else: creating
  std::int64_t items = 0;
  std::int64_t bytes = 0;
  TableDefinition table;  // as it was
};

std::string encode_backup(const Backup& backup);
Result<Backup> decode_backup(std::string_view bytes);

inline constexpr std::string_view kBackups = "u/";
std::string backup_key(const std::string& id);

using BackupPtr = std::shared_ptr<const Backup>;

// Removes what an earlier try left, copies the table's items, and makes the backup available: `published` gets it.
// Where the table is gone, `published` gets null.
Work copy_to_backup(const store::KeyValueStore& store, TablePtr table, Backup backup,
                    std::move_only_function<void(BackupPtr)> published);

// Fills a restoring table from the backup, going on where an earlier run ended; then the table takes requests.
Work restore_from_backup(const store::KeyValueStore& store, BackupPtr backup, TablePtr table);

}  // namespace lambent::tables
