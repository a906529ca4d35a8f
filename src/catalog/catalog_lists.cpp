// The lists of the catalog, page by page.
#include <fmt/format.h>

#include "catalog/catalog.h"

namespace lambent::catalog {
namespace {

std::unexpected<CatalogError> bad_marker() {
  return std::unexpected(CatalogError{CatalogError::Kind::bad_marker, "Invalid Marker"});
}

// "<name>/<version>", where $LATEST is 0.
struct Place {
  std::string_view name;
  std::uint64_t version = 0;
};

Place place_of(std::string_view position) {
  const auto slash = position.find('/');
  return {position.substr(0, slash), version_number(position.substr(slash + 1)).value_or(0)};
}

}  // namespace

CatalogResult<Page> Catalog::list(std::string_view marker, std::size_t max_items, bool all_versions) const {
  const std::string list = all_versions ? "versions" : "functions";
  std::string after;
  if (!marker.empty()) {
    auto read = markers_.read(list, marker);
    if (!read) return bad_marker();
    after = *std::move(read);
  }
  const auto from = place_of(after);
  Page page;
  std::string last;
  // False where the page is full.
  const auto add = [&](const FunctionPtr& function, std::uint64_t number) {
    if (page.functions.size() == max_items) {
      page.next_marker = markers_.make(list, last);
      return false;
    }
    page.functions.push_back(function);
    last = fmt::format("{}/{}", function->name, number);
    return true;
  };
  for (auto at = entries_.lower_bound(from.name); at != entries_.end(); ++at) {
    const auto& [name, entry] = *at;
    const bool is_started = !after.empty() && name == from.name;
    if (!is_started && !add(entry.latest, 0)) return page;
    if (!all_versions) continue;
    for (auto it = entry.versions.upper_bound(is_started ? from.version : 0); it != entry.versions.end(); ++it) {
      if (!add(it->second, it->first)) return page;
    }
  }
  return page;
}

CatalogResult<Page> Catalog::list_versions(const Entry& entry, std::string_view marker, std::size_t max_items) const {
  const std::string list = "versions of " + entry.latest->name;
  Page page;
  std::uint64_t last = 0;
  if (marker.empty()) {
    page.functions.push_back(entry.latest);
  } else {
    const auto read = markers_.read(list, marker);
    if (!read) return bad_marker();
    last = version_number(*read).value_or(0);
  }
  for (auto at = entry.versions.upper_bound(last); at != entry.versions.end(); ++at) {
    if (page.functions.size() == max_items) {
      page.next_marker = markers_.make(list, std::to_string(last));
      break;
    }
    page.functions.push_back(at->second);
    last = at->first;
  }
  return page;
}

CatalogResult<AliasPage> Catalog::list_aliases(const Entry& entry, std::string_view version, std::string_view marker,
                                               std::size_t max_items) const {
  const std::string list = "aliases of " + entry.latest->name;
  auto at = entry.aliases.begin();
  if (!marker.empty()) {
    const auto read = markers_.read(list, marker);
    if (!read) return bad_marker();
    at = entry.aliases.upper_bound(*read);
  }
  AliasPage page;
  for (; at != entry.aliases.end(); ++at) {
    const auto& alias = *at->second;
    if (!version.empty() && !Entry::leads(alias, version)) continue;
    if (page.aliases.size() == max_items) {
      page.next_marker = markers_.make(list, page.aliases.back()->name);
      break;
    }
    page.aliases.push_back(at->second);
  }
  return page;
}

}  // namespace lambent::catalog
