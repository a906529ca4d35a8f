// Paging tokens that clients cannot make up: a position in a list, with a check value of this process.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace lambent::catalog {

class Markers {
 public:
  explicit Markers(Random& random);

  // `list` names the list, so that a marker of one is none of another. Valid for the life of the process.
  [[nodiscard]] std::string make(std::string_view list, std::string_view position) const;
  // Nothing where this process did not make it for this list.
  [[nodiscard]] std::optional<std::string> read(std::string_view list, std::string_view marker) const;

 private:
  std::string key_;
};

}  // namespace lambent::catalog
