// All that exists under one function name: $LATEST, published versions, aliases, settings.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "catalog/alias.h"
#include "catalog/function.h"
#include "catalog/settings.h"

namespace lambent::catalog {

struct Entry {
  FunctionPtr latest;  // never null in the catalog
  std::map<std::uint64_t, FunctionPtr> versions;
  std::map<std::string, AliasPtr, std::less<>> aliases;
  SettingsPtr settings = std::make_shared<const Settings>();

  // "$LATEST", "" (the same) or a number; null where there is no such version. Aliases are none.
  [[nodiscard]] FunctionPtr version(std::string_view version) const;
  [[nodiscard]] AliasPtr alias(std::string_view name) const;
  // What a look at this qualifier shows: of an alias its main version. Null where there is none.
  [[nodiscard]] FunctionPtr show(std::string_view qualifier) const;
  // What a call by this qualifier runs: of an alias one of its versions, drawn by weight.
  [[nodiscard]] FunctionPtr route(std::string_view qualifier, Random& random) const;
  // How many instances of which version are to be kept ready; an alias shares its number by weight.
  [[nodiscard]] std::map<std::uint64_t, std::uint32_t> provisioned() const;
  // Whether this alias, or any, leads to the version.
  [[nodiscard]] static bool leads(const Alias& alias, std::string_view version);
};

// The number of a published version; nothing where the text is none ("$LATEST", an alias, "007").
std::optional<std::uint64_t> version_number(std::string_view text);

}  // namespace lambent::catalog
