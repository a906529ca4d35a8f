// Short ways to write values in tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "tables/attribute_value.h"

namespace lambent::tables {

inline AttributeValue S(std::string text) {
  return AttributeValue(std::move(text));
}
inline AttributeValue N(std::string_view text) {
  return AttributeValue(Number38::parse(text).value());
}
inline AttributeValue B(std::string bytes) {
  return AttributeValue(AttributeValue::Variant(Binary{std::move(bytes)}));
}
inline AttributeValue Bool(bool value) {
  return AttributeValue(AttributeValue::Variant(value));
}
inline AttributeValue L(List list) {
  return AttributeValue(AttributeValue::Variant(std::move(list)));
}
inline AttributeValue M(Map map) {
  return AttributeValue(AttributeValue::Variant(std::move(map)));
}
inline AttributeValue SS(std::vector<std::string> members) {
  return AttributeValue(AttributeValue::Variant(make_set(std::move(members))));
}
inline AttributeValue NS(const std::vector<std::string>& texts) {
  std::vector<Number38> members;
  for (const auto& text : texts) members.push_back(Number38::parse(text).value());
  return AttributeValue(AttributeValue::Variant(make_set(std::move(members))));
}

}  // namespace lambent::tables
