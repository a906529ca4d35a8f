// Key conditions, conditions and filters, updates and projections: never a crash, and whatever parses can be evaluated.
// The first byte chooses the kind of expression, the rest is its text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tables/expression.h"
#include "tables/key_condition.h"

using namespace lambent::tables;

namespace {

AttributeValue list(List elements) {
  return {AttributeValue::Variant(std::move(elements))};
}
AttributeValue map(Map entries) {
  return {AttributeValue::Variant(std::move(entries))};
}

Placeholders placeholders() {
  Placeholders result;
  result.names = {{"#a", "a"}, {"#b", "b.c"}};
  result.values = {{":s", AttributeValue(std::string("x"))},
                   {":n", AttributeValue(Number38(7))},
                   {":l", list({AttributeValue(Number38(1))})},
                   {":set", AttributeValue(AttributeValue::Variant(StringSet{{"x", "y"}}))}};
  return result;
}

Item item() {
  return {{"a", map({{"b", list({AttributeValue(std::string("x")), AttributeValue(Number38(2))})}})},
          {"n", AttributeValue(Number38(1))},
          {"s", AttributeValue(std::string("xyz"))},
          {"set", AttributeValue(AttributeValue::Variant(StringSet{{"x"}}))}};
}

KeySchema schema() {
  return {.hash = {"a", Type::S}, .range = KeyAttribute{"n", Type::N}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto given = placeholders();
  PlaceholderUse use(given);
  Item target = item();
  switch (data[0] % 4) {
    case 0:
      if (const auto condition = parse_condition(text, "ConditionExpression", use)) {
        holds(*condition, target);
        attributes_of(*condition);
      }
      break;
    case 1:
      if (const auto update = parse_update(text, use)) static_cast<void>(apply(*update, target));
      break;
    case 3:
      if (const auto condition = parse_condition(text, "KeyConditionExpression", use)) {
        const auto range = key_range(*condition, schema(), "view");
        if (range && !range->lower.starts_with("view")) __builtin_trap();
      }
      break;
    default:
      if (const auto paths = parse_projection(text, use)) project(target, *paths);
  }
  return 0;
}
