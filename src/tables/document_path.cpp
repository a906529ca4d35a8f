#include "tables/document_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace lambent::tables {
namespace {

// What is asked for below one place of an item.
struct Wanted {
  bool whole = false;
  std::map<std::string, Wanted, std::less<>> names;
  std::map<std::size_t, Wanted> indexes;
};

Wanted collect(const std::vector<DocumentPath>& paths) {
  Wanted root;
  for (const auto& path : paths) {
    Wanted* at = &root;
    for (const auto& step : path.steps) {
      const auto* name = std::get_if<std::string>(&step);
      at = name != nullptr ? &at->names[*name] : &at->indexes[std::get<std::size_t>(step)];
    }
    at->whole = true;
  }
  return root;
}

std::optional<AttributeValue> reduce(const AttributeValue& value, const Wanted& wanted);

Item reduce(const Item& item, const Wanted& wanted) {
  Item result;
  for (const auto& [name, below] : wanted.names) {
    const auto at = item.find(name);
    if (at == item.end()) continue;
    if (auto part = reduce(at->second, below)) result.emplace(name, *std::move(part));
  }
  return result;
}

std::optional<AttributeValue> reduce(const AttributeValue& value, const Wanted& wanted) {
  if (wanted.whole) return value;
  if (const auto* map = value.get_if<Map>()) {
    Map part = reduce(*map, wanted);
    if (part.empty()) return std::nullopt;
    return AttributeValue(AttributeValue::Variant(std::move(part)));
  }
  if (const auto* list = value.get_if<List>()) {
    List part;
    for (const auto& [index, below] : wanted.indexes) {
      if (index >= list->size()) break;
      if (auto element = reduce((*list)[index], below)) part.push_back(*std::move(element));
    }
    if (part.empty()) return std::nullopt;
    return AttributeValue(AttributeValue::Variant(std::move(part)));
  }
  return std::nullopt;
}

}  // namespace

std::string describe(const DocumentPath& path) {
  std::string text = "[";
  for (const auto& step : path.steps) {
    if (text.size() > 1) text += ", ";
    if (const auto* name = std::get_if<std::string>(&step)) {
      text += *name;
    } else {
      text += fmt::format("[{}]", std::get<std::size_t>(step));
    }
  }
  return text + "]";
}

const AttributeValue* find(const Item& item, const DocumentPath& path) {
  const auto first = item.find(path.attribute());
  const AttributeValue* at = first == item.end() ? nullptr : &first->second;
  for (std::size_t i = 1; i < path.steps.size() && at != nullptr; ++i) {
    if (const auto* name = std::get_if<std::string>(&path.steps[i])) {
      const auto* map = at->get_if<Map>();
      if (map == nullptr) return nullptr;
      const auto entry = map->find(*name);
      at = entry == map->end() ? nullptr : &entry->second;
    } else {
      const auto* list = at->get_if<List>();
      const auto index = std::get<std::size_t>(path.steps[i]);
      at = list == nullptr || index >= list->size() ? nullptr : &(*list)[index];
    }
  }
  return at;
}

Item project(const Item& item, const std::vector<DocumentPath>& paths) {
  return reduce(item, collect(paths));
}

TablesResult<> check_disjoint(const std::vector<DocumentPath>& paths) {
  const auto complain = [](std::string_view how, const DocumentPath& one, const DocumentPath& two) {
    return invalid(
        fmt::format("Two document paths {} with each other; must remove or rewrite one of these paths; "
                    "path one: {}, path two: {}",
                    how, describe(one), describe(two)));
  };
  for (std::size_t j = 1; j < paths.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      const auto& one = paths[i].steps;
      const auto& two = paths[j].steps;
      const auto [a, b] = std::ranges::mismatch(one, two);
      if (a == one.end() || b == two.end()) return complain("overlap", paths[i], paths[j]);
      if (a->index() != b->index()) return complain("conflict", paths[i], paths[j]);
    }
  }
  return {};
}

}  // namespace lambent::tables
