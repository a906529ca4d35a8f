// PartiQL statements as DynamoDB takes them, parsed; and what they ask of the engine. Key lookups become Query, never
// Scan. Source: "PartiQL - a SQL-compatible query language for Amazon DynamoDB" of the Developer Guide.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tables/requests.h"

namespace lambent::tables {

struct Statement {
  enum class Kind { select, insert, update, remove, exists };
  struct Order {
    std::string attribute;
    bool descending = false;
  };
  Kind kind = Kind::select;
  std::string table;
  std::optional<std::string> index;
  std::optional<Paths> projection;  // of select; nothing for *
  std::optional<Condition> where;
  std::vector<Order> order;
  Item item;      // of insert
  Update update;  // of update
  ReturnValues returning = ReturnValues::none;

  [[nodiscard]] bool reads() const { return kind == Kind::select; }
};

// `parameters` are what the statement's question marks stand for, in order. All errors are validation errors.
TablesResult<Statement> parse_statement(std::string_view text, const std::vector<AttributeValue>& parameters);

// A statement that writes (or exists, as a check). Without the whole primary key it is refused.
TablesResult<WriteRequest> write_of(const Statement& statement, const KeySchema& key);
// A select of one item by its whole primary key, and nothing else.
TablesResult<GetRequest> get_of(const Statement& statement, const KeySchema& key);
// A select as the pages to read one after the other: one for each value of the hash key where the statement names them,
// else one Scan.
TablesResult<std::vector<PageRequest>> pages_of(const Statement& statement, const TableDefinition& table);

}  // namespace lambent::tables
