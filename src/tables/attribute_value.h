// One attribute's value and an item made of such values, as DynamoDB's data model has them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tables/number38.h"

namespace lambent::tables {

class AttributeValue;

// Attribute names to values. Names are UTF-8.
using Item = std::map<std::string, AttributeValue, std::less<>>;

// In the order of AttributeValue's alternatives.
enum class Type : std::uint8_t { S, N, B, BOOL, NULL_, L, M, SS, NS, BS };

// "S", "NULL" …
std::string_view type_code(Type type);
// "STRING", "NUMBER" … as update errors name types.
std::string_view type_name(Type type);

struct Binary {
  std::string bytes;
  auto operator<=>(const Binary&) const = default;
};
struct Null {
  auto operator<=>(const Null&) const = default;
};
using List = std::vector<AttributeValue>;
using Map = Item;
// Sets are sorted and hold no value twice; make them with make_set.
template <class T>
struct SetOf {
  std::vector<T> members;
  bool operator==(const SetOf&) const = default;
};
using StringSet = SetOf<std::string>;
using NumberSet = SetOf<Number38>;
using BinarySet = SetOf<Binary>;

class AttributeValue {
 public:
  using Variant = std::variant<std::string, Number38, Binary, bool, Null, List, Map, StringSet, NumberSet, BinarySet>;

  AttributeValue() : value_(Null{}) {}
  AttributeValue(Variant value) : value_(std::move(value)) {}    // NOLINT: every alternative is a value
  AttributeValue(std::string text) : value_(std::move(text)) {}  // NOLINT
  AttributeValue(Number38 number) : value_(number) {}            // NOLINT

  [[nodiscard]] Type type() const { return static_cast<Type>(value_.index()); }
  [[nodiscard]] const Variant& variant() const { return value_; }

  template <class T>
  [[nodiscard]] const T* get_if() const {
    return std::get_if<T>(&value_);
  }
  template <class T>
  [[nodiscard]] T* get_if() {
    return std::get_if<T>(&value_);
  }

  // Equal in type and content; maps and sets without regard to order.
  bool operator==(const AttributeValue& other) const { return value_ == other.value_; }

 private:
  Variant value_;
};

// Sorted, without the value's doubles; DynamoDB refuses doubles, so whoever reads them from outside looks first.
template <class T>
SetOf<T> make_set(std::vector<T> members);

// -1, 0, 1 for two values of one orderable type (S, N, B): S and B by bytes. The types must be equal.
std::strong_ordering compare_scalars(const AttributeValue& left, const AttributeValue& right);
[[nodiscard]] bool is_orderable(Type type);

// Bytes as DynamoDB counts them for limits and capacity.
std::size_t size_of(const AttributeValue& value);
// Names and values.
std::size_t size_of(const Item& item);

// Levels of lists and maps; 0 for a scalar. Does not recurse deeper than `limit` + 1.
int depth_of(const AttributeValue& value, int limit);

// As error texts show a value: "{S:abc}", "{N:1}".
std::string describe(const AttributeValue& value);

}  // namespace lambent::tables
