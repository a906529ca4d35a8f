// DynamoDB's self-describing value, compact because every item is made of it. The generator puts this type wherever a
// model has a structure with exactly the members S, N, B, SS, NS, BS, M, L, NULL and BOOL.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/map.h"

namespace lambent::protocol {

class AttributeValue {
 public:
  enum class Type : std::uint8_t {
    empty,        // the client sent {}: "Supplied AttributeValue is empty, …" is the service's to say
    conflicting,  // more than one member was sent
    s,            // text()
    n,            // text(): the number as the client wrote it
    b,            // text(): the bytes themselves, base64 only on the wire
    ss,           // texts()
    ns,           // texts()
    bs,           // texts()
    m,            // map()
    l,            // list()
    null,         // boolean(): what the client wrote; only true is valid
    boolean,      // boolean()
  };

  // In attribute_value.cpp: inlined into every holder they would dominate its compile time.
  AttributeValue();
  AttributeValue(const AttributeValue& other);
  AttributeValue(AttributeValue&& other) noexcept;
  AttributeValue& operator=(const AttributeValue& other);
  AttributeValue& operator=(AttributeValue&& other) noexcept;
  ~AttributeValue();
  static AttributeValue s(std::string text);
  static AttributeValue n(std::string text);
  static AttributeValue b(std::string bytes);
  static AttributeValue ss(std::vector<std::string> texts);
  static AttributeValue ns(std::vector<std::string> texts);
  static AttributeValue bs(std::vector<std::string> texts);
  static AttributeValue m(Map<AttributeValue> map);
  static AttributeValue l(std::vector<AttributeValue> list);
  static AttributeValue null(bool value = true);
  static AttributeValue boolean(bool value);
  static AttributeValue conflicting();

  [[nodiscard]] Type type() const { return type_; }

  // Each is for the types named above; any other type is a programmer's error.
  [[nodiscard]] const std::string& text() const { return get<std::string>(); }
  [[nodiscard]] const std::vector<std::string>& texts() const { return get<std::vector<std::string>>(); }
  [[nodiscard]] const Map<AttributeValue>& map() const { return get<Map<AttributeValue>>(); }
  [[nodiscard]] const std::vector<AttributeValue>& list() const { return get<std::vector<AttributeValue>>(); }
  [[nodiscard]] bool boolean() const { return get<bool>(); }
  [[nodiscard]] std::string& text() { return get<std::string>(); }
  [[nodiscard]] std::vector<std::string>& texts() { return get<std::vector<std::string>>(); }
  [[nodiscard]] Map<AttributeValue>& map() { return get<Map<AttributeValue>>(); }
  [[nodiscard]] std::vector<AttributeValue>& list() { return get<std::vector<AttributeValue>>(); }

 private:
  template <class T>
  AttributeValue(Type type, T value);
  template <class T>
  [[nodiscard]] const T& get() const {
    assert(std::holds_alternative<T>(data_));
    return *std::get_if<T>(&data_);
  }
  template <class T>
  [[nodiscard]] T& get() {
    assert(std::holds_alternative<T>(data_));
    return *std::get_if<T>(&data_);
  }

  Type type_ = Type::empty;
  std::variant<std::monostate, bool, std::string, std::vector<std::string>, std::vector<AttributeValue>,
               Map<AttributeValue>>
      data_;
};

static_assert(sizeof(AttributeValue) <= 64);

}  // namespace lambent::protocol
