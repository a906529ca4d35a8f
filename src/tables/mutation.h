// One change of one item: prepared on the caller's thread, evaluated and staged on the writer's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tables/requests.h"
#include "tables/staging.h"
#include "tables/table.h"

namespace lambent::tables {

// A write request with its table found and its expressions parsed.
struct PreparedWrite {
  WriteRequest::Kind kind = WriteRequest::Kind::put;
  TablePtr table;
  std::shared_ptr<const TableDefinition> definition;  // that the request was checked against
  std::string at;                                     // the item's key in the space `tables`
  Item key;
  Item item;  // of puts
  std::optional<Condition> condition;
  std::optional<Update> update;
  ReturnValues return_values = ReturnValues::none;
  bool item_on_condition_failure = false;
  bool insert = false;      // of a key that must be free
  bool by_service = false;  // an item that expired
};

// Everything that can be wrong with the request in itself.
TablesResult<PreparedWrite> prepare_write(WriteRequest request, TablePtr table);

// The item before and after; nothing is staged yet.
struct Outcome {
  std::optional<Item> before;
  std::optional<Item> after;
};
TablesResult<Outcome> evaluate(const PreparedWrite& write, const Staging& staging);

// Stages the item, its index entries and the table's counters; says what that costs.
Capacity stage(const PreparedWrite& write, const Outcome& outcome, Staging& staging);

// What the request's ReturnValues asks for.
std::optional<Item> returned(const PreparedWrite& write, const Outcome& outcome);

// Units of a write, a read.
double write_units(std::size_t bytes);
double read_units(std::size_t bytes, bool consistent);

[[nodiscard]] std::unexpected<TablesError> unavailable(const Error& error);
[[nodiscard]] std::unexpected<TablesError> no_such_table();

}  // namespace lambent::tables
