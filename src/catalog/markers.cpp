#include "catalog/markers.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "store/blob_store.h"

namespace lambent::catalog {

Markers::Markers(Random& random) : key_(random.hex(32)) {}

// "<check>.<position>" in base64.
std::string Markers::make(std::string_view list, std::string_view position) const {
  const auto check = store::sha256_hex(fmt::format("{}/{}/{}", key_, list, position)).substr(0, 16);
  return base64_encode(fmt::format("{}.{}", check, position));
}

std::optional<std::string> Markers::read(std::string_view list, std::string_view marker) const {
  const auto text = base64_decode(marker);
  const auto dot = text ? text->find('.') : std::string::npos;
  if (dot == std::string::npos) return std::nullopt;
  auto position = text->substr(dot + 1);
  if (make(list, position) != marker) return std::nullopt;
  return position;
}

}  // namespace lambent::catalog
