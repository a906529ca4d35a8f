#include "protocol/violations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "protocol/attribute_value.h"
#include "protocol/pattern.h"
#include "protocol/slot.h"
#include "protocol/utf8.h"

namespace lambent::protocol {
namespace {

constexpr std::size_t kMaxTexts = 100;       // a hostile request can break a constraint a million times
constexpr std::size_t kMaxValueText = 4096;  // bytes of a value that a message repeats
constexpr int kMaxValueDepth = 16;

bool is_number(Kind kind) {
  return kind == Kind::integer || kind == Kind::long_integer || kind == Kind::floating;
}

double number_of(const Shape& shape, const void* value) {
  switch (shape.kind) {
    case Kind::integer:
      return as<std::int32_t>(value);
    case Kind::long_integer:
      return static_cast<double>(as<std::int64_t>(value));
    default:
      return as<double>(value);
  }
}

// What min and max measure.
double measure(const Shape& shape, const void* value) {
  switch (shape.kind) {
    case Kind::string:
      return static_cast<double>(utf16_length(as<std::string>(value)));
    case Kind::blob:
      return static_cast<double>(as<std::string>(value).size());
    case Kind::list:
      return static_cast<double>(shape.list->size(value));
    case Kind::map:
      return static_cast<double>(shape.map->size(value));
    default:
      return number_of(shape, value);
  }
}

std::string bound_text(const Shape& shape, bool upper) {
  const double bound = upper ? shape.constraints->max : shape.constraints->min;
  return fmt::format("Member must have {} {} than or equal to {}", is_number(shape.kind) ? "value" : "length",
                     upper ? "less" : "greater", bound);
}

std::string values_text(const Constraints& constraints) {
  return fmt::format("Member must satisfy enum value set: [{}]", fmt::join(constraints.values, ", "));
}

std::string pattern_text(const Constraints& constraints) {
  return fmt::format("Member must satisfy regular expression pattern: {}", constraints.pattern->text);
}

bool in_values(const Constraints& constraints, const std::string& text) {
  if (constraints.values.empty()) return true;
  for (const auto& value : constraints.values) {
    if (value == text) return true;
  }
  return false;
}

// Calls `broken` with the text of each constraint that the value breaks.
template <class Broken>
void each_broken(const Shape& shape, const void* value, Broken broken) {
  const Constraints* constraints = shape.constraints;
  if (constraints == nullptr) return;
  if (constraints->has_max && measure(shape, value) > constraints->max) broken(bound_text(shape, true));
  if (constraints->has_min && measure(shape, value) < constraints->min) broken(bound_text(shape, false));
  if (shape.kind != Kind::string) return;
  const auto& text = as<std::string>(value);
  if (constraints->pattern && !matches(*constraints->pattern, text)) broken(pattern_text(*constraints));
  if (!in_values(*constraints, text)) broken(values_text(*constraints));
}

bool satisfies(const Shape& shape, const void* value) {
  bool all = true;
  each_broken(shape, value, [&](const std::string&) { all = false; });
  return all;
}

// "[Member must have length less than or equal to 140, …, Member must not be null]": all of an element's constraints,
// not only the broken ones, as AWS lists them.
std::string all_constraints(const Shape& shape, bool not_null) {
  std::vector<std::string> texts;
  if (const auto* constraints = shape.constraints) {
    if (constraints->has_max) texts.push_back(bound_text(shape, true));
    if (constraints->has_min) texts.push_back(bound_text(shape, false));
    if (constraints->pattern) texts.push_back(pattern_text(*constraints));
    if (!constraints->values.empty()) texts.push_back(values_text(*constraints));
  }
  if (not_null) texts.emplace_back("Member must not be null");
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string lower_first(std::string_view name) {
  std::string text(name);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

class JavaText {
 public:
  void value(const Shape& shape, const void* value, int depth) {
    if (shape.sensitive) return append("*** Sensitive Data Redacted ***");
    if (out.size() > kMaxValueText || depth > kMaxValueDepth) return append("...");
    switch (shape.kind) {
      case Kind::boolean:
        return append(as<bool>(value) ? "true" : "false");
      case Kind::integer:
        return append(std::to_string(as<std::int32_t>(value)));
      case Kind::long_integer:
        return append(std::to_string(as<std::int64_t>(value)));
      case Kind::floating:
        return append(fmt::format("{}", as<double>(value)));
      case Kind::string:
        return append(as<std::string>(value));
      case Kind::blob:
        return append(fmt::format("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", as<std::string>(value).size()));
      case Kind::timestamp:
        return append(std::to_string(as<Timestamp>(value).time_since_epoch().count()));
      case Kind::list:
        return list(shape, value, depth);
      case Kind::map:
        return map(shape, value, depth);
      case Kind::structure:
        return structure(*shape.structure, value, depth);
      case Kind::attribute_value:
        return append("AttributeValue");
    }
  }

  std::string out;

 private:
  // Cut between characters: messages travel as JSON and must stay valid UTF-8.
  void append(std::string_view text) {
    std::size_t end = std::min(text.size(), kMaxValueText);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    out.append(text.substr(0, end));
  }
  void list(const Shape& shape, const void* value_, int depth) {
    append("[");
    for (std::size_t i = 0; i < shape.list->size(value_) && out.size() <= kMaxValueText; ++i) {
      if (i > 0) append(", ");
      value(*shape.element, shape.list->at(value_, i), depth + 1);
    }
    append("]");
  }
  void map(const Shape& shape, const void* value_, int depth) {
    append("{");
    for (std::size_t i = 0; i < shape.map->size(value_) && out.size() <= kMaxValueText; ++i) {
      if (i > 0) append(", ");
      append(shape.map->key(value_, i));
      append("=");
      value(*shape.element, shape.map->value(value_, i), depth + 1);
    }
    append("}");
  }
  void structure(const Structure& structure_, const void* value_, int depth) {
    append(structure_.name);
    append("(");
    bool first = true;
    for (const auto& member : structure_.members) {
      if (!first) append(", ");
      first = false;
      append(lower_first(member.name));
      append("=");
      if (const void* inner = peek(member, value_)) {
        value(*member.shape, inner, depth + 1);
      } else {
        append("null");
      }
    }
    append(")");
  }
};

}  // namespace

std::string java_text(const Shape& shape, const void* value) {
  JavaText text;
  text.value(shape, value, 0);
  return std::move(text.out);
}

std::string Path::text() const {
  std::string before = parent ? parent->text() : std::string();
  if (step == Step::root) return before;
  if (!before.empty()) before += '.';
  if (step == Step::member) return before + lower_first(name);
  if (step == Step::element) return before + std::to_string(index + 1) + ".member";
  return before + std::string(name) + ".member";
}

void Violations::missing(const Path& path) {
  if (++count_ > kMaxTexts) return;
  texts_.push_back(
      fmt::format("Value null at '{}' failed to satisfy constraint: Member must not be null", path.text()));
}

void Violations::add(const Shape& shape, const void* value, const Path& path, std::string_view constraint) {
  if (++count_ > kMaxTexts) return;
  const std::string shown = shape.sensitive ? "Value" : fmt::format("Value '{}'", java_text(shape, value));
  texts_.push_back(fmt::format("{} at '{}' failed to satisfy constraint: {}", shown, path.text(), constraint));
}

void Violations::check(const Shape& shape, const void* value, const Path& path) {
  each_broken(shape, value, [&](const std::string& constraint) { add(shape, value, path, constraint); });
  if (shape.constraints == nullptr || shape.constraints->pattern_words.empty()) return;
  if (matches(*shape.constraints->pattern, as<std::string>(value))) return;
  worded_ = fmt::format("The specified value for {} is invalid. {}", path.text(), shape.constraints->pattern_words);
}

void Violations::check_elements(const Shape& shape, const void* container, bool has_null, const Path& path) {
  const Shape& element = *shape.element;
  if (shape.kind == Kind::list) {
    bool wrong = has_null;
    for (std::size_t i = 0; element.constraints && !wrong && i < shape.list->size(container); ++i) {
      wrong = !satisfies(element, shape.list->at(container, i));
    }
    if (wrong) add(shape, container, path, "Member must satisfy constraint: " + all_constraints(element, true));
    return;
  }
  bool wrong_key = false;
  bool wrong_value = has_null;
  for (std::size_t i = 0; i < shape.map->size(container); ++i) {
    wrong_key = wrong_key || (shape.key->constraints && !satisfies(*shape.key, &shape.map->key(container, i)));
    wrong_value = wrong_value || (element.constraints && !satisfies(element, shape.map->value(container, i)));
  }
  if (wrong_key) add(shape, container, path, "Map keys must satisfy constraint: " + all_constraints(*shape.key, true));
  if (wrong_value) {
    add(shape, container, path, "Map value must satisfy constraint: " + all_constraints(element, has_null));
  }
}

ServiceError Violations::error() const {
  if (count_ == 1 && !worded_.empty()) return validation_error(worded_);
  return validation_error(
      fmt::format("{} validation error{} detected: {}", count_, count_ == 1 ? "" : "s", fmt::join(texts_, "; ")));
}

}  // namespace lambent::protocol
