// When items expire, and the view that has their keys in that order: table's id | kExpiryView | seconds (8 bytes,
// big-endian) | the item's key without its view prefix. So items that expired are found without a scan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tables/table.h"

namespace lambent::tables {

// DynamoDB does not expire an item whose time is longer ago than this: rather a mistake than a date.
inline constexpr std::int64_t kOldestExpiry_s = std::int64_t{5} * 365 * 24 * 60 * 60;

// Seconds since 1970; nothing where the attribute is missing or no whole number of seconds.
std::optional<std::int64_t> expiry_of(const std::string& attribute, const Item& item);

// Of the item at `at`, a key of the table's own view.
std::string expiry_key(const Table& table, std::int64_t seconds, std::string_view at);
// Start of the entries of that second.
std::string expiry_start(const Table& table, std::int64_t seconds);
// The item's key again.
std::string expired_item_key(const Table& table, std::string_view expiry_key);

}  // namespace lambent::tables
