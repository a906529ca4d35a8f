#include "tables/attribute_value.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace lambent::tables {
namespace {

constexpr std::array<std::string_view, 10> kCodes = {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"};
constexpr std::array<std::string_view, 10> kNames = {"STRING", "NUMBER", "BINARY",     "BOOLEAN",    "NULL",
                                                     "LIST",   "MAP",    "STRING_SET", "NUMBER_SET", "BINARY_SET"};

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

// DynamoDB's guide: about one byte for two significant digits, and one; a negative number has one more.
std::size_t size_of_number(const Number38& number) {
  const auto digits = static_cast<std::size_t>(number.significant_digits());
  return (digits + 1) / 2 + 1 + (number < Number38() ? 1 : 0);
}

constexpr std::size_t kContainerOverhead = 3;  // of a list or map
constexpr std::size_t kElementOverhead = 1;    // of each of its elements

}  // namespace

std::string_view type_code(Type type) {
  return kCodes[static_cast<std::size_t>(type)];
}
std::string_view type_name(Type type) {
  return kNames[static_cast<std::size_t>(type)];
}

template <class T>
SetOf<T> make_set(std::vector<T> members) {
  std::ranges::sort(members);
  const auto doubles = std::ranges::unique(members);
  members.erase(doubles.begin(), doubles.end());
  return {std::move(members)};
}
template SetOf<std::string> make_set(std::vector<std::string>);
template SetOf<Number38> make_set(std::vector<Number38>);
template SetOf<Binary> make_set(std::vector<Binary>);

bool is_orderable(Type type) {
  return type == Type::S || type == Type::N || type == Type::B;
}

std::strong_ordering compare_scalars(const AttributeValue& left, const AttributeValue& right) {
  switch (left.type()) {
    case Type::S:
      return *left.get_if<std::string>() <=> *right.get_if<std::string>();
    case Type::N:
      return *left.get_if<Number38>() <=> *right.get_if<Number38>();
    default:
      return *left.get_if<Binary>() <=> *right.get_if<Binary>();
  }
}

std::size_t size_of(const AttributeValue& value) {
  return std::visit(
      Overloaded{
          [](const std::string& text) { return text.size(); },
          [](const Number38& number) { return size_of_number(number); },
          [](const Binary& binary) { return binary.bytes.size(); },
          [](bool) { return std::size_t{1}; },
          [](const Null&) { return std::size_t{1}; },
          [](const List& list) {
            std::size_t sum = kContainerOverhead;
            for (const auto& element : list) sum += size_of(element) + kElementOverhead;
            return sum;
          },
          [](const Map& map) { return kContainerOverhead + size_of(map) + kElementOverhead * map.size(); },
          [](const StringSet& set) {
            std::size_t sum = 0;
            for (const auto& member : set.members) sum += member.size();
            return sum;
          },
          [](const NumberSet& set) {
            std::size_t sum = 0;
            for (const auto& member : set.members) sum += size_of_number(member);
            return sum;
          },
          [](const BinarySet& set) {
            std::size_t sum = 0;
            for (const auto& member : set.members) sum += member.bytes.size();
            return sum;
          },
      },
      value.variant());
}

std::size_t size_of(const Item& item) {
  std::size_t sum = 0;
  for (const auto& [name, value] : item) sum += name.size() + size_of(value);
  return sum;
}

int depth_of(const AttributeValue& value, int limit) {
  if (limit < 0) return 1;
  int deepest = 0;
  if (const auto* list = value.get_if<List>()) {
    for (const auto& element : *list) deepest = std::max(deepest, depth_of(element, limit - 1));
    return deepest + 1;
  }
  if (const auto* map = value.get_if<Map>()) {
    for (const auto& [name, element] : *map) deepest = std::max(deepest, depth_of(element, limit - 1));
    return deepest + 1;
  }
  return 0;
}

std::string describe(const AttributeValue& value) {
  std::string text = "{" + std::string(type_code(value.type())) + ":";
  if (const auto* string = value.get_if<std::string>()) text += *string;
  if (const auto* number = value.get_if<Number38>()) text += number->to_string();
  if (const auto* binary = value.get_if<Binary>()) text += base64_encode(binary->bytes);
  if (const auto* boolean = value.get_if<bool>()) text += *boolean ? "true" : "false";
  if (value.get_if<Null>() != nullptr) text += "true";
  return text + "}";
}

}  // namespace lambent::tables
