// How the generic codecs handle containers whose element type only the generated tables know; for generated sources
// only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/codec.h"
#include "protocol/map.h"
#include "protocol/shape.h"

namespace lambent::protocol {

// std::vector<bool> has no elements to point at; no model has lists of booleans.
template <class T>
constexpr ListOps kListOps{
    .clear = [](void* list) { static_cast<std::vector<T>*>(list)->clear(); },
    .append = [](void* list) -> void* { return &static_cast<std::vector<T>*>(list)->emplace_back(); },
    .size = [](const void* list) { return static_cast<const std::vector<T>*>(list)->size(); },
    .at = [](const void* list, std::size_t index) -> const void* {
      return &(*static_cast<const std::vector<T>*>(list))[index];
    },
};

template <class T>
constexpr MapOps kMapOps{
    .clear = [](void* map) { static_cast<Map<T>*>(map)->clear(); },
    .append = [](void* map, std::string key) -> void* {
      return &static_cast<Map<T>*>(map)->push_back(std::move(key), T{});
    },
    .finish = [](void* map) { static_cast<Map<T>*>(map)->sort(); },
    .size = [](const void* map) { return static_cast<const Map<T>*>(map)->size(); },
    .key = [](const void* map, std::size_t index) -> const std::string& {
      return static_cast<const Map<T>*>(map)->at_index(index).key;
    },
    .value = [](const void* map, std::size_t index) -> const void* {
      return &static_cast<const Map<T>*>(map)->at_index(index).value;
    },
};

template <class T>
constexpr OptionalOps kOptionalOps{
    .emplace = [](void* optional) -> void* { return &static_cast<std::optional<T>*>(optional)->emplace(); },
    .get = [](const void* optional) -> const void* {
      const auto& held = *static_cast<const std::optional<T>*>(optional);
      return held ? &*held : nullptr;
    },
};

}  // namespace lambent::protocol
