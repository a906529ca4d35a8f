// Where in an item something is: "a.b[3].c", and what is done with such paths.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "tables/attribute_value.h"
#include "tables/error.h"

namespace lambent::tables {

// A name (of an attribute or of a map's entry) or an index into a list. The first step of a path is a name.
using PathStep = std::variant<std::string, std::size_t>;

struct DocumentPath {
  std::vector<PathStep> steps;

  [[nodiscard]] const std::string& attribute() const { return std::get<std::string>(steps.front()); }
  bool operator==(const DocumentPath&) const = default;
};

// As error texts show a path: "[a, [0], b]".
std::string describe(const DocumentPath& path);

// Null where the item has nothing there.
const AttributeValue* find(const Item& item, const DocumentPath& path);

// The item reduced to what the paths reach: maps keep their structure, lists hold only the elements asked for, in
// order.
Item project(const Item& item, const std::vector<DocumentPath>& paths);

// Refuses paths of which one contains another, and paths that take the same thing for a list and for a map.
// The message lacks the "Invalid …Expression: " in front.
TablesResult<> check_disjoint(const std::vector<DocumentPath>& paths);

}  // namespace lambent::tables
