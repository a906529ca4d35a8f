// The host's files as RocksDB uses them here: all but the file of its options.
//
// At each open RocksDB writes down all options of all spaces, reads the file again and compares, which takes longer
// than all else of opening a small store. Nobody reads that file: the options are the program's.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string_view>

namespace lambent::store {

// Refuses to make the file of options, which RocksDB passes over (DBOptions::fail_if_options_file_error is off). Must
// outlive the database.
std::unique_ptr<rocksdb::Env> make_rocksdb_env();

// Whether a message of RocksDB's is about that.
bool is_about_options_file(std::string_view message);

}  // namespace lambent::store
