// Reaching a member of a generated struct by its table entry.
#pragma once

#include <cstddef>

#include "protocol/shape.h"

namespace lambent::protocol {

template <class T>
T& as(void* value) {
  return *static_cast<T*>(value);
}
template <class T>
const T& as(const void* value) {
  return *static_cast<const T*>(value);
}

// Where the member's value goes; an optional is filled with a new, empty value.
inline void* fill(const Member& member, void* structure) {
  void* field = static_cast<std::byte*>(structure) + member.offset;
  return member.optional ? member.optional->emplace(field) : field;
}

// The member's value, null where absent.
inline const void* peek(const Member& member, const void* structure) {
  const void* field = static_cast<const std::byte*>(structure) + member.offset;
  return member.optional ? member.optional->get(field) : field;
}

}  // namespace lambent::protocol
