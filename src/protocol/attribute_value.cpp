#include "protocol/attribute_value.h"

namespace lambent::protocol {

AttributeValue::AttributeValue() = default;
AttributeValue::AttributeValue(const AttributeValue& other) = default;
AttributeValue::AttributeValue(AttributeValue&& other) noexcept = default;
AttributeValue& AttributeValue::operator=(const AttributeValue& other) = default;
AttributeValue& AttributeValue::operator=(AttributeValue&& other) noexcept = default;
AttributeValue::~AttributeValue() = default;

template <class T>
AttributeValue::AttributeValue(Type type, T value) : type_(type), data_(std::move(value)) {}

AttributeValue AttributeValue::s(std::string text) {
  return {Type::s, std::move(text)};
}
AttributeValue AttributeValue::n(std::string text) {
  return {Type::n, std::move(text)};
}
AttributeValue AttributeValue::b(std::string bytes) {
  return {Type::b, std::move(bytes)};
}
AttributeValue AttributeValue::ss(std::vector<std::string> texts) {
  return {Type::ss, std::move(texts)};
}
AttributeValue AttributeValue::ns(std::vector<std::string> texts) {
  return {Type::ns, std::move(texts)};
}
AttributeValue AttributeValue::bs(std::vector<std::string> texts) {
  return {Type::bs, std::move(texts)};
}
AttributeValue AttributeValue::m(Map<AttributeValue> map) {
  return {Type::m, std::move(map)};
}
AttributeValue AttributeValue::l(std::vector<AttributeValue> list) {
  return {Type::l, std::move(list)};
}
AttributeValue AttributeValue::null(bool value) {
  return {Type::null, value};
}
AttributeValue AttributeValue::boolean(bool value) {
  return {Type::boolean, value};
}

AttributeValue AttributeValue::conflicting() {
  AttributeValue value;
  value.type_ = Type::conflicting;
  return value;
}

}  // namespace lambent::protocol
