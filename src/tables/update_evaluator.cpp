#include <algorithm>
#include <iterator>

#include "tables/expression.h"

namespace lambent::tables {
namespace {

constexpr auto kBadPath = "The document path provided in the update expression is invalid for update";
constexpr auto kBadType = "An operand in the update expression has an incorrect data type";
constexpr auto kMissing = "The provided expression refers to an attribute that does not exist in the item";

TablesResult<AttributeValue> evaluate(const UpdateValue& value, const Item& before);

TablesResult<AttributeValue> evaluate_sum(const UpdateValue& value, const Item& before) {
  LAMBENT_TRY(const auto left, evaluate(value.arguments[0], before));
  LAMBENT_TRY(const auto right, evaluate(value.arguments[1], before));
  const auto* a = left.get_if<Number38>();
  const auto* b = right.get_if<Number38>();
  if (a == nullptr || b == nullptr) return invalid(kBadType);
  const auto sum = value.kind == UpdateValue::Kind::plus ? a->plus(*b) : a->minus(*b);
  if (!sum) return invalid(Number38::fault_message(sum.error()));
  return AttributeValue(*sum);
}

TablesResult<AttributeValue> evaluate_append(const UpdateValue& value, const Item& before) {
  LAMBENT_TRY(auto left, evaluate(value.arguments[0], before));
  LAMBENT_TRY(auto right, evaluate(value.arguments[1], before));
  auto* a = left.get_if<List>();
  auto* b = right.get_if<List>();
  if (a == nullptr || b == nullptr) return invalid(kBadType);
  std::ranges::move(*b, std::back_inserter(*a));
  return left;
}

TablesResult<AttributeValue> evaluate(const UpdateValue& value, const Item& before) {
  switch (value.kind) {
    case UpdateValue::Kind::value:
      return value.value;
    case UpdateValue::Kind::path: {
      const auto* found = find(before, value.path);
      if (found == nullptr) return invalid(kMissing);
      return *found;
    }
    case UpdateValue::Kind::if_not_exists: {
      const auto* found = find(before, value.path);
      if (found != nullptr) return *found;
      return evaluate(value.arguments[0], before);
    }
    case UpdateValue::Kind::list_append:
      return evaluate_append(value, before);
    default:
      return evaluate_sum(value, before);
  }
}

// The list or map (or the item, as both null) that holds the path's last step.
struct Parent {
  Map* map = nullptr;
  List* list = nullptr;
};

TablesResult<Parent> parent_of(Item& item, const DocumentPath& path) {
  if (path.steps.size() == 1) return Parent{.map = &item};
  const DocumentPath above{{path.steps.begin(), path.steps.end() - 1}};
  auto* value = const_cast<AttributeValue*>(find(item, above));  // the item itself is ours to change
  if (value == nullptr) return invalid(kBadPath);
  const Parent parent{.map = value->get_if<Map>(), .list = value->get_if<List>()};
  const bool by_name = std::holds_alternative<std::string>(path.steps.back());
  if (by_name ? parent.map == nullptr : parent.list == nullptr) return invalid(kBadPath);
  return parent;
}

TablesResult<> put(Item& item, const DocumentPath& path, AttributeValue value) {
  LAMBENT_TRY(const auto parent, parent_of(item, path));
  if (const auto* name = std::get_if<std::string>(&path.steps.back())) {
    (*parent.map)[*name] = std::move(value);
    return {};
  }
  const auto index = std::get<std::size_t>(path.steps.back());
  if (index < parent.list->size()) {
    (*parent.list)[index] = std::move(value);
  } else {
    parent.list->push_back(std::move(value));
  }
  return {};
}

TablesResult<> remove(Item& item, const DocumentPath& path) {
  LAMBENT_TRY(const auto parent, parent_of(item, path));
  if (const auto* name = std::get_if<std::string>(&path.steps.back())) {
    if (const auto at = parent.map->find(*name); at != parent.map->end()) parent.map->erase(at);
    return {};
  }
  const auto index = std::get<std::size_t>(path.steps.back());
  if (index < parent.list->size()) parent.list->erase(parent.list->begin() + static_cast<std::ptrdiff_t>(index));
  return {};
}

template <class T>
AttributeValue united(const SetOf<T>& a, const SetOf<T>& b) {
  SetOf<T> result;
  std::ranges::set_union(a.members, b.members, std::back_inserter(result.members));
  return AttributeValue(AttributeValue::Variant(std::move(result)));
}

TablesResult<> add(Item& item, const Update::Change& change) {
  const auto* present = find(item, change.path);
  if (present == nullptr) return put(item, change.path, change.value);
  if (present->type() != change.value.type()) return invalid(kBadType);
  if (const auto* number = present->get_if<Number38>()) {
    const auto sum = number->plus(*change.value.get_if<Number38>());
    if (!sum) return invalid(Number38::fault_message(sum.error()));
    return put(item, change.path, AttributeValue(*sum));
  }
  if (const auto* set = present->get_if<StringSet>()) {
    return put(item, change.path, united(*set, *change.value.get_if<StringSet>()));
  }
  if (const auto* set = present->get_if<NumberSet>()) {
    return put(item, change.path, united(*set, *change.value.get_if<NumberSet>()));
  }
  return put(item, change.path, united(*present->get_if<BinarySet>(), *change.value.get_if<BinarySet>()));
}

template <class T>
TablesResult<> subtract(Item& item, const DocumentPath& path, const SetOf<T>& from, const SetOf<T>& what) {
  SetOf<T> rest;
  std::ranges::set_difference(from.members, what.members, std::back_inserter(rest.members));
  if (rest.members.empty()) return remove(item, path);
  return put(item, path, AttributeValue(AttributeValue::Variant(std::move(rest))));
}

TablesResult<> take_away(Item& item, const Update::Change& change) {
  const auto* present = find(item, change.path);
  if (present == nullptr) return {};
  if (present->type() != change.value.type()) return invalid(kBadType);
  // Copies: changing the item ends the lives of what was found in it.
  const AttributeValue from = *present;
  if (const auto* set = from.get_if<StringSet>()) {
    return subtract(item, change.path, *set, *change.value.get_if<StringSet>());
  }
  if (const auto* set = from.get_if<NumberSet>()) {
    return subtract(item, change.path, *set, *change.value.get_if<NumberSet>());
  }
  return subtract(item, change.path, *from.get_if<BinarySet>(), *change.value.get_if<BinarySet>());
}

// List indexes of one expression all mean the list as it was before: elements behind the end are added in the order of
// their indexes, and elements are removed from the back.
bool by_steps(const DocumentPath& a, const DocumentPath& b) {
  return a.steps < b.steps;
}

}  // namespace

TablesResult<> apply(const Update& update, Item& item) {
  std::vector<std::pair<DocumentPath, AttributeValue>> values;
  for (const auto& set : update.sets) {
    LAMBENT_TRY(auto value, evaluate(set.value, item));
    values.emplace_back(set.path, std::move(value));
  }
  std::ranges::sort(values, by_steps, &std::pair<DocumentPath, AttributeValue>::first);
  for (auto& [path, value] : values) LAMBENT_TRY_VOID(put(item, path, std::move(value)));
  for (const auto& change : update.adds) LAMBENT_TRY_VOID(add(item, change));

  std::vector<DocumentPath> removes = update.removes;
  for (const auto& change : update.deletes) LAMBENT_TRY_VOID(take_away(item, change));
  std::ranges::sort(removes, [](const auto& a, const auto& b) { return by_steps(b, a); });
  for (const auto& path : removes) LAMBENT_TRY_VOID(remove(item, path));
  return {};
}

}  // namespace lambent::tables
