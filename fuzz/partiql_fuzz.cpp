// PartiQL statements: never a crash, and whatever parses can be turned into requests.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tables/partiql.h"

using namespace lambent::tables;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::vector<AttributeValue> kOne = {AttributeValue(std::string("x"))};
  TableDefinition table{.name = "t"};
  table.key = {.hash = {"pk", Type::S}, .range = KeyAttribute{"sk", Type::N}};
  for (const auto& parameters : {std::vector<AttributeValue>{}, kOne}) {
    const auto statement = parse_statement(text, parameters);
    if (!statement) continue;
    if (!statement->reads()) {
      const auto write = write_of(*statement, table.key);
      Item item{{"pk", AttributeValue(std::string("x"))}, {"sk", AttributeValue(Number38(1))}};
      if (write && write->update) static_cast<void>(apply(std::get<Update>(*write->update), item));
      continue;
    }
    static_cast<void>(get_of(*statement, table.key));
    if (const auto pages = pages_of(*statement, table)) {
      for (const auto& page : *pages) {
        if (page.filter) holds(std::get<Condition>(*page.filter), {});
      }
    }
  }
  return 0;
}
