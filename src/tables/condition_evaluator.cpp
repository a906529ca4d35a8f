#include <algorithm>
#include <optional>

#include "tables/expression.h"

namespace lambent::tables {
namespace {

// As Java counts a string's length.
std::int64_t utf16_units(std::string_view text) {
  std::int64_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

std::optional<std::int64_t> count_of(const AttributeValue& value) {
  if (const auto* text = value.get_if<std::string>()) return utf16_units(*text);
  if (const auto* binary = value.get_if<Binary>()) return std::ssize(binary->bytes);
  if (const auto* list = value.get_if<List>()) return std::ssize(*list);
  if (const auto* map = value.get_if<Map>()) return std::ssize(*map);
  if (const auto* set = value.get_if<StringSet>()) return std::ssize(set->members);
  if (const auto* set = value.get_if<NumberSet>()) return std::ssize(set->members);
  if (const auto* set = value.get_if<BinarySet>()) return std::ssize(set->members);
  return std::nullopt;
}

// An operand's value for one item; points into the item or the expression, or at the size it holds itself.
class Resolved {
 public:
  Resolved(const Operand& operand, const Item& item) {
    const auto* path = std::get_if<DocumentPath>(&operand.source);
    value_ = path != nullptr ? find(item, *path) : &std::get<AttributeValue>(operand.source);
    if (!operand.size || value_ == nullptr) return;
    const auto count = count_of(*value_);
    value_ = nullptr;
    if (count) value_ = &size_.emplace(Number38(*count));
  }
  Resolved(const Resolved&) = delete;
  Resolved& operator=(const Resolved&) = delete;

  [[nodiscard]] const AttributeValue* get() const { return value_; }

 private:
  const AttributeValue* value_ = nullptr;
  std::optional<AttributeValue> size_;
};

bool compare(Comparator comparator, const AttributeValue* left, const AttributeValue* right) {
  if (left == nullptr || right == nullptr) return comparator == Comparator::not_equal;
  if (comparator == Comparator::equal) return *left == *right;
  if (comparator == Comparator::not_equal) return !(*left == *right);
  if (left->type() != right->type() || !is_orderable(left->type())) return false;
  const auto order = compare_scalars(*left, *right);
  switch (comparator) {
    case Comparator::less:
      return order < 0;
    case Comparator::less_equal:
      return order <= 0;
    case Comparator::greater:
      return order > 0;
    default:
      return order >= 0;
  }
}

bool begins_with(const AttributeValue& value, const AttributeValue& start) {
  if (const auto* text = value.get_if<std::string>()) {
    const auto* prefix = start.get_if<std::string>();
    return prefix != nullptr && text->starts_with(*prefix);
  }
  const auto* binary = value.get_if<Binary>();
  const auto* prefix = start.get_if<Binary>();
  return binary != nullptr && prefix != nullptr && binary->bytes.starts_with(prefix->bytes);
}

template <class T>
bool has_member(const SetOf<T>* set, const T* member) {
  return set != nullptr && member != nullptr && std::ranges::binary_search(set->members, *member);
}

bool contains(const AttributeValue& value, const AttributeValue& part) {
  if (const auto* list = value.get_if<List>()) return std::ranges::find(*list, part) != list->end();
  const auto* part_text = part.get_if<std::string>();
  const auto* part_binary = part.get_if<Binary>();
  if (const auto* text = value.get_if<std::string>()) {
    return part_text != nullptr && text->find(*part_text) != std::string::npos;
  }
  if (const auto* binary = value.get_if<Binary>()) {
    return part_binary != nullptr && binary->bytes.find(part_binary->bytes) != std::string::npos;
  }
  return has_member(value.get_if<StringSet>(), part_text) ||
         has_member(value.get_if<NumberSet>(), part.get_if<Number38>()) ||
         has_member(value.get_if<BinarySet>(), part_binary);
}

}  // namespace

bool holds(const Condition& condition, const Item& item) {
  using Kind = Condition::Kind;
  const auto child_holds = [&](const Condition& child) { return holds(child, item); };
  if (condition.kind == Kind::all) return std::ranges::all_of(condition.children, child_holds);
  if (condition.kind == Kind::any) return std::ranges::any_of(condition.children, child_holds);
  if (condition.kind == Kind::negation) return !holds(condition.children[0], item);

  const auto& operands = condition.operands;
  const Resolved first(operands[0], item);
  if (condition.kind == Kind::attribute_exists) return first.get() != nullptr;
  if (condition.kind == Kind::attribute_not_exists) return first.get() == nullptr;
  if (condition.kind == Kind::in) {
    return std::ranges::any_of(operands.begin() + 1, operands.end(), [&](const Operand& operand) {
      return compare(Comparator::equal, first.get(), Resolved(operand, item).get());
    });
  }
  const Resolved second(operands[1], item);
  if (condition.kind == Kind::comparison) return compare(condition.comparator, first.get(), second.get());
  if (condition.kind == Kind::between) {
    const Resolved third(operands[2], item);
    return compare(Comparator::greater_equal, first.get(), second.get()) &&
           compare(Comparator::less_equal, first.get(), third.get());
  }
  if (first.get() == nullptr || second.get() == nullptr) return false;
  if (condition.kind == Kind::attribute_type) {
    return type_code(first.get()->type()) == *second.get()->get_if<std::string>();
  }
  if (condition.kind == Kind::begins_with) return begins_with(*first.get(), *second.get());
  return contains(*first.get(), *second.get());
}

}  // namespace lambent::tables
