#include "tables/expiry.h"

#include <algorithm>

namespace lambent::tables {

std::optional<std::int64_t> expiry_of(const std::string& attribute, const Item& item) {
  const auto at = item.find(attribute);
  if (at == item.end()) return std::nullopt;
  const auto* number = at->second.get_if<Number38>();
  const auto seconds = number == nullptr ? std::nullopt : number->as_int64();
  if (!seconds || *seconds < 0) return std::nullopt;
  return seconds;
}

std::string expiry_start(const Table& table, std::int64_t seconds) {
  // table_prefix writes eight bytes of any number.
  return view_prefix(table.id, kExpiryView) +
         table_prefix(static_cast<std::uint64_t>(std::max<std::int64_t>(0, seconds)));
}

std::string expiry_key(const Table& table, std::int64_t seconds, std::string_view at) {
  return expiry_start(table, seconds).append(at.substr(table.prefix.size()));
}

std::string expired_item_key(const Table& table, std::string_view expiry_key) {
  return table.prefix + std::string(expiry_key.substr(table.prefix.size() + 8));
}

}  // namespace lambent::tables
