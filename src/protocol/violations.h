// The model's constraints, checked, and what is wrong in AWS's words:
// "2 validation errors detected: Value 'x' at 'functionName' failed to satisfy constraint: Member must …; Value null
// …".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/service_error.h"
#include "protocol/shape.h"

namespace lambent::protocol {

// Where a reader stands in the request: a chain of stack frames, made text only for a message.
struct Path {
  enum class Step { root, member, element, entry };
  const Path* parent = nullptr;
  Step step = Step::root;
  std::string_view name{};  // member, entry
  std::size_t index = 0;    // element, from 0

  [[nodiscard]] Path member(std::string_view member_name) const { return {this, Step::member, member_name}; }
  [[nodiscard]] Path element(std::size_t element_index) const { return {this, Step::element, {}, element_index}; }
  [[nodiscard]] Path entry(std::string_view key) const { return {this, Step::entry, key}; }
  // "attributeDefinitions.1.member.attributeName", "requestItems.table.member.keys".
  [[nodiscard]] std::string text() const;
};

class Violations {
 public:
  // A required member that is absent, or null where a value must be.
  void missing(const Path& path);
  // A value against the constraints of its own shape (not those of its elements).
  void check(const Shape& shape, const void* value, const Path& path);
  // The elements (or keys and values) of a list or map that are no structures; has_null: the request had a null there.
  void check_elements(const Shape& shape, const void* container, bool has_null, const Path& path);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  // ValidationException with everything found.
  [[nodiscard]] ServiceError error() const;

 private:
  void add(const Shape& shape, const void* value, const Path& path, std::string_view constraint);

  std::vector<std::string> texts_;  // the first kMaxTexts
  std::string worded_;              // the service's own words for the last one that has some
  std::size_t count_ = 0;
};

// A value as Java's toString() shows it in AWS's messages, cut off where it is very long.
std::string java_text(const Shape& shape, const void* value);

}  // namespace lambent::protocol
