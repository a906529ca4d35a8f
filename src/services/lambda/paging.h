// Pages of what is kept by name or qualifier.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "catalog/markers.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"

namespace lambent::services::lambda {

// Calls `add(key, value)` for at most `max_items` (or `most`) entries after the marker, in the order of the keys; gives
// the next marker, if there is more. `list` names the list: see catalog::Markers.
template <class Map, class Add>
ApiResult<std::optional<std::string>> each_of_page(const Map& map, const catalog::Markers& markers,
                                                   const std::string& list, const std::optional<std::string>& marker,
                                                   const std::optional<std::int32_t>& max_items, std::size_t most,
                                                   Add add) {
  auto at = map.begin();
  if (marker && !marker->empty()) {
    const auto after = markers.read(list, *marker);
    if (!after) return protocol::failure(invalid_parameter("Invalid Marker"));
    at = map.upper_bound(*after);
  }
  const auto limit = std::min(static_cast<std::size_t>(max_items.value_or(static_cast<std::int32_t>(most))), most);
  std::string last;
  for (std::size_t count = 0; at != map.end(); ++at, ++count) {
    if (count == limit) return markers.make(list, last);
    add(at->first, at->second);
    last = at->first;
  }
  return std::nullopt;
}

}  // namespace lambent::services::lambda
