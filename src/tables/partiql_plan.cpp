// What a PartiQL statement asks of the engine: keys out of its WHERE clause, and requests made of the rest.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "tables/partiql.h"

namespace lambent::tables {
namespace {

using Kind = Condition::Kind;

// The conditions that all must hold.
void flatten(const Condition& condition, std::vector<Condition>& all) {
  if (condition.kind != Kind::all) {
    all.push_back(condition);
    return;
  }
  for (const auto& child : condition.children) flatten(child, all);
}

std::vector<Condition> conditions_of(const Statement& statement) {
  std::vector<Condition> all;
  if (statement.where) flatten(*statement.where, all);
  return all;
}

std::optional<Condition> joined(std::vector<Condition> conditions) {
  if (conditions.empty()) return std::nullopt;
  return Condition{.kind = Kind::all, .children = std::move(conditions)};
}

bool is_attribute(const Operand& operand, std::string_view name) {
  const auto* path = std::get_if<DocumentPath>(&operand.source);
  return path != nullptr && !operand.size && path->steps.size() == 1 && path->attribute() == name;
}

// The value that the condition says the attribute equals.
const AttributeValue* equals(const Condition& condition, std::string_view attribute) {
  if (condition.kind != Kind::comparison || condition.comparator != Comparator::equal) return nullptr;
  const auto& [left, right] = std::tie(condition.operands[0], condition.operands[1]);
  if (is_attribute(left, attribute)) return std::get_if<AttributeValue>(&right.source);
  if (is_attribute(right, attribute)) return std::get_if<AttributeValue>(&left.source);
  return nullptr;
}

// Takes the first condition that says what the attribute equals out of them.
std::optional<AttributeValue> take_equal(std::vector<Condition>& conditions, std::string_view attribute) {
  for (auto at = conditions.begin(); at != conditions.end(); ++at) {
    const auto* value = equals(*at, attribute);
    if (value == nullptr) continue;
    AttributeValue taken = *value;
    conditions.erase(at);
    return taken;
  }
  return std::nullopt;
}

// Takes the whole primary key out of the conditions.
std::optional<Item> take_key(std::vector<Condition>& conditions, const KeySchema& key) {
  Item result;
  auto hash = take_equal(conditions, key.hash.name);
  if (!hash) return std::nullopt;
  result.emplace(key.hash.name, *std::move(hash));
  if (!key.range) return result;
  auto range = take_equal(conditions, key.range->name);
  if (!range) return std::nullopt;
  result.emplace(key.range->name, *std::move(range));
  return result;
}

Condition existence(Kind kind, const std::string& attribute) {
  Condition condition{.kind = kind};
  condition.operands.push_back({.source = DocumentPath{{attribute}}});
  return condition;
}

// A condition that a Query can have on its range key.
bool is_range_condition(const Condition& condition, const KeyAttribute& range) {
  const bool fits = condition.kind == Kind::between || condition.kind == Kind::begins_with ||
                    (condition.kind == Kind::comparison && condition.comparator != Comparator::not_equal);
  if (!fits || (condition.kind == Kind::begins_with && range.type == Type::N)) return false;
  std::size_t attributes = 0;
  for (const auto& operand : condition.operands) {
    if (is_attribute(operand, range.name)) {
      ++attributes;
      continue;
    }
    const auto* value = std::get_if<AttributeValue>(&operand.source);
    if (value == nullptr || operand.size || value->type() != range.type) return false;
  }
  return attributes == 1 && (condition.kind == Kind::comparison || is_attribute(condition.operands[0], range.name));
}

// The values that the hash key may have, and their condition taken out; nothing where the statement does not say.
std::vector<AttributeValue> take_hash_values(std::vector<Condition>& conditions, const KeyAttribute& hash) {
  if (auto one = take_equal(conditions, hash.name)) return {*std::move(one)};
  for (auto at = conditions.begin(); at != conditions.end(); ++at) {
    if (at->kind != Kind::in || !is_attribute(at->operands[0], hash.name)) continue;
    std::vector<AttributeValue> values;
    for (auto operand = at->operands.begin() + 1; operand != at->operands.end(); ++operand) {
      const auto* value = std::get_if<AttributeValue>(&operand->source);
      if (value == nullptr) return {};
      if (std::ranges::find(values, *value) == values.end()) values.push_back(*value);
    }
    conditions.erase(at);
    return values;
  }
  return {};
}

Condition equality(const std::string& attribute, AttributeValue value) {
  Condition condition{.kind = Kind::comparison};
  condition.operands.push_back({.source = DocumentPath{{attribute}}});
  condition.operands.push_back({.source = std::move(value)});
  return condition;
}

TablesResult<bool> is_forward(const Statement& statement, const KeySchema& key, bool has_hash) {
  if (statement.order.empty()) return true;
  if (!statement.where) return invalid("Must have WHERE clause in the statement when using ORDER BY clause.");
  if (!has_hash) {
    return invalid(
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.");
  }
  for (const auto& order : statement.order) {
    if (!key.has(order.attribute)) {
      return invalid(
          fmt::format("Variable reference {} in ORDER BY clause must be part of the primary key", order.attribute));
    }
  }
  return !statement.order.back().descending;
}

}  // namespace

TablesResult<WriteRequest> write_of(const Statement& statement, const KeySchema& key) {
  if (statement.index) return invalid("Index is not supported in data manipulation statements");
  WriteRequest request{.table = statement.table, .return_values = statement.returning};
  if (statement.kind == Statement::Kind::insert) {
    request.kind = WriteRequest::Kind::put;
    request.item = statement.item;
    request.insert = true;
    return request;
  }
  auto conditions = conditions_of(statement);
  auto taken = take_key(conditions, key);
  if (!taken) return invalid("Where clause does not contain a mandatory equality on all key attributes");
  request.key = *std::move(taken);
  if (statement.kind == Statement::Kind::remove) {
    request.kind = WriteRequest::Kind::remove;
  } else {
    // Neither makes an item where there is none.
    conditions.push_back(existence(Kind::attribute_exists, key.hash.name));
    request.kind = statement.kind == Statement::Kind::exists ? WriteRequest::Kind::check : WriteRequest::Kind::update;
  }
  if (statement.kind == Statement::Kind::update) request.update = statement.update;
  if (auto condition = joined(std::move(conditions))) request.condition = *std::move(condition);
  return request;
}

TablesResult<GetRequest> get_of(const Statement& statement, const KeySchema& key) {
  auto conditions = conditions_of(statement);
  auto taken = take_key(conditions, key);
  if (!taken || !conditions.empty() || statement.index) {
    return invalid("Select statements within BatchExecuteStatement must specify the primary key in the where clause.");
  }
  GetRequest request{.table = statement.table, .key = *std::move(taken)};
  if (statement.projection) request.projection = *statement.projection;
  return request;
}

TablesResult<std::vector<PageRequest>> pages_of(const Statement& statement, const TableDefinition& table) {
  const auto* index = statement.index ? table.index(*statement.index) : nullptr;
  if (statement.index && index == nullptr) {
    return invalid("The table does not have the specified index: " + *statement.index);
  }
  const KeySchema& key = index != nullptr ? index->key : table.key;
  auto conditions = conditions_of(statement);
  auto hashes = take_hash_values(conditions, key.hash);
  PageRequest page{.table = statement.table, .index = statement.index};
  LAMBENT_TRY(page.forward, is_forward(statement, key, !hashes.empty()));
  if (statement.projection) page.projection = *statement.projection;
  page.filter_on_keys = true;
  std::optional<Condition> range;
  if (!hashes.empty() && key.range) {
    const auto at =
        std::ranges::find_if(conditions, [&](const auto& one) { return is_range_condition(one, *key.range); });
    if (at != conditions.end()) {
      range = std::move(*at);
      conditions.erase(at);
    }
  }
  if (auto filter = joined(std::move(conditions))) page.filter = *std::move(filter);
  if (hashes.empty()) return std::vector{page};

  std::vector<PageRequest> pages;
  for (auto& hash : hashes) {
    Condition condition{.kind = Kind::all};
    condition.children.push_back(equality(key.hash.name, std::move(hash)));
    if (range) condition.children.push_back(*range);
    page.key_condition = std::move(condition);
    pages.push_back(page);
  }
  return pages;
}

}  // namespace lambent::tables
