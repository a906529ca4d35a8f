// From the text of a pattern to its nodes.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <optional>

#include "event_pattern/node.h"
#include "event_pattern/pattern.h"
#include "event_pattern/text_case.h"

namespace lambent::event_pattern {
namespace {

namespace json = boost::json;

constexpr double kLargestNumber = 5e9;  // EventBridge's, either sign

Error wrong(std::string detail) {
  return Error::of("parse", "event pattern", detail);
}

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

std::optional<double> number_of(const json::value& value) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.to_number<double>();
  return std::abs(number) <= kLargestNumber ? std::optional(number) : std::nullopt;
}

Result<Text> wildcard(std::string_view pattern) {
  Text text{.test = TextTest::wildcard, .text = std::string(pattern), .parts = {""}};
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      if (i > 0 && text.parts.size() > 1 && text.parts.back().empty()) {
        return fail(wrong("consecutive wildcard characters"));
      }
      text.parts.emplace_back();
    } else if (pattern[i] == '\\') {
      if (++i == pattern.size() || (pattern[i] != '*' && pattern[i] != '\\')) {
        return fail(wrong("invalid escape character in a wildcard: only \\* and \\\\ are"));
      }
      text.parts.back().push_back(pattern[i]);
    } else {
      text.parts.back().push_back(pattern[i]);
    }
  }
  return text;
}

// "abc", or {"equals-ignore-case": "abc"}, of a prefix or a suffix.
Result<Text> affix(const json::value& value, TextTest plain, TextTest ignoring_case, std::string_view name) {
  if (const auto* text = value.if_string()) return Text{.test = plain, .text = std::string(view(*text)), .parts = {}};
  if (const auto* object = value.if_object(); object && object->size() == 1) {
    const auto& inner = *object->begin();
    if (inner.key() == "equals-ignore-case" && inner.value().is_string()) {
      return Text{.test = ignoring_case, .text = lower_case(view(inner.value().get_string())), .parts = {}};
    }
  }
  return fail(wrong(fmt::format("{} match pattern must be a string", name)));
}

Result<Text> text_test(std::string_view name, const json::value& value) {
  if (name == "prefix") return affix(value, TextTest::prefix, TextTest::prefix_ignores_case, name);
  if (name == "suffix") return affix(value, TextTest::suffix, TextTest::suffix_ignores_case, name);
  const auto* text = value.if_string();
  if (!text) return fail(wrong(fmt::format("{} match pattern must be a string", name)));
  if (name == "wildcard") return wildcard(view(*text));
  return Text{.test = TextTest::ignores_case, .text = lower_case(view(*text)), .parts = {}};
}

bool is_text_test(std::string_view name) {
  return name == "prefix" || name == "suffix" || name == "wildcard" || name == "equals-ignore-case";
}

Result<Test> range(const json::value& value) {
  const auto* list = value.if_array();
  if (!list || (list->size() != 2 && list->size() != 4)) {
    return fail(wrong("numeric match must be an array of one or two operators, each with its number"));
  }
  Range range{-HUGE_VAL, HUGE_VAL, true, true};
  bool is_low_set = false;
  bool is_high_set = false;
  for (std::size_t i = 0; i < list->size(); i += 2) {
    const auto* sign = (*list)[i].if_string();
    const auto number = number_of((*list)[i + 1]);
    if (!sign || !number) return fail(wrong("numeric match: an operator and a number between -5e9 and 5e9"));
    if (*sign == "=" && list->size() == 2) return Range{*number, *number, true, true};
    const bool is_low = *sign == ">" || *sign == ">=";
    const bool is_high = *sign == "<" || *sign == "<=";
    if (is_low ? is_low_set : !is_high || is_high_set) {
      return fail(wrong(fmt::format("unrecognized numeric range operator: {}", view(*sign))));
    }
    (is_low ? range.low : range.high) = *number;
    (is_low ? range.has_low : range.has_high) = sign->size() == 2;
    (is_low ? is_low_set : is_high_set) = true;
  }
  if (!(range.low < range.high)) return fail(wrong("numeric match: the bottom must be below the top"));
  return range;
}

Result<Test> cidr(const json::value& value) {
  const auto refused = [] { return fail(wrong("cidr match pattern must be an address or a range of addresses")); };
  const auto* text = value.if_string();
  if (!text) return refused();
  const auto slash = view(*text).find('/');
  const std::string address(view(*text).substr(0, slash));
  Cidr cidr;
  cidr.family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  const unsigned most = cidr.family == AF_INET ? 32 : 128;
  cidr.bits = most;
  if (inet_pton(cidr.family, address.c_str(), cidr.address.data()) != 1) return refused();
  if (slash != std::string_view::npos) {
    const auto bits = view(*text).substr(slash + 1);
    const auto read = std::from_chars(bits.data(), bits.data() + bits.size(), cidr.bits);
    if (read.ec != std::errc() || read.ptr != bits.data() + bits.size() || cidr.bits > most) return refused();
  }
  return cidr;
}

Result<Test> anything_but(const json::value& value) {
  AnythingBut test;
  const auto add = [&](const json::value& each) -> Result<> {
    if (const auto* text = each.if_string()) {
      test.none_of.emplace_back(Text{.test = TextTest::equals, .text = std::string(view(*text)), .parts = {}});
    } else if (const auto number = number_of(each)) {
      test.none_of.emplace_back(*number);
    } else if (each.is_bool()) {
      test.none_of.emplace_back(each.get_bool());
    } else if (each.is_null()) {
      test.none_of.emplace_back(Null{});
    } else {
      return fail(wrong("anything-but list can contain only strings or numbers"));
    }
    return {};
  };
  if (const auto* object = value.if_object()) {
    if (object->size() != 1 || !is_text_test(object->begin()->key())) {
      return fail(wrong("anything-but: one of prefix, suffix, wildcard, equals-ignore-case"));
    }
    const auto& inner = object->begin()->value();
    const auto each_of = [&](const json::value& each) -> Result<> {
      LAMBENT_TRY(auto text, text_test(object->begin()->key(), each));
      test.none_of.emplace_back(std::move(text));
      return {};
    };
    if (!inner.is_array()) {
      LAMBENT_TRY_VOID(each_of(inner));
    } else {
      for (const auto& each : inner.get_array()) LAMBENT_TRY_VOID(each_of(each));
    }
  } else if (const auto* list = value.if_array()) {
    for (const auto& each : *list) LAMBENT_TRY_VOID(add(each));
  } else {
    LAMBENT_TRY_VOID(add(value));
  }
  if (test.none_of.empty()) return fail(wrong("anything-but must name something"));
  return test;
}

Result<Test> named_test(const json::object& object) {
  if (object.size() != 1) return fail(wrong("a match type is an object with one field"));
  const std::string_view name(object.begin()->key().data(), object.begin()->key().size());
  const auto& value = object.begin()->value();
  if (is_text_test(name)) return text_test(name, value);
  if (name == "numeric") return range(value);
  if (name == "cidr") return cidr(value);
  if (name == "anything-but") return anything_but(value);
  if (name == "exists") {
    if (!value.is_bool()) return fail(wrong("exists match pattern must be either true or false"));
    return value.get_bool() ? Test(Present{}) : Test(Absent{});
  }
  return fail(wrong(fmt::format("unrecognized match type {}", name)));
}

Result<Test> test_of(const json::value& value) {
  if (const auto* text = value.if_string()) {
    return Text{.test = TextTest::equals, .text = std::string(view(*text)), .parts = {}};
  }
  if (value.is_bool()) return value.get_bool();
  if (value.is_null()) return Null{};
  if (value.is_number()) return value.to_number<double>();
  if (const auto* object = value.if_object()) return named_test(*object);
  return fail(wrong("an array of tests holds no arrays"));
}

Result<Leaf> leaf_of(const json::array& tests, std::vector<std::string> path) {
  Leaf leaf{.path = std::move(path), .tests = {}};
  if (tests.empty()) return fail(wrong("empty arrays are not allowed"));
  for (const auto& each : tests) {
    LAMBENT_TRY(auto test, test_of(each));
    leaf.takes_absence |= std::holds_alternative<Absent>(test);
    leaf.tests.push_back(std::move(test));
  }
  return leaf;
}

// "$or" is a field's name like any other where it does not hold two patterns or more.
bool is_alternative(std::string_view name, const json::value& value) {
  const auto* list = value.if_array();
  return name == "$or" && list && list->size() >= 2 &&
         std::ranges::all_of(*list, [](const json::value& each) { return each.is_object(); });
}

Result<Node> node_of(const json::object& object, const std::vector<std::string>& path) {
  if (object.empty()) return fail(wrong("empty objects are not allowed"));
  Node node{.name = path.empty() ? std::string() : path.back(), .leaves = {}, .objects = {}, .alternatives = {}};
  for (const auto& field : object) {
    const std::string name(field.key().data(), field.key().size());
    if (is_alternative(name, field.value())) {
      auto& any = node.alternatives.emplace_back();
      for (const auto& each : field.value().get_array()) {
        LAMBENT_TRY(auto inner, node_of(each.get_object(), path));
        any.push_back(std::move(inner));
      }
      continue;
    }
    auto inner_path = path;
    inner_path.push_back(name);
    if (const auto* tests = field.value().if_array()) {
      LAMBENT_TRY(auto leaf, leaf_of(*tests, std::move(inner_path)));
      node.leaves.push_back(std::move(leaf));
    } else if (const auto* inner = field.value().if_object()) {
      LAMBENT_TRY(auto child, node_of(*inner, inner_path));
      node.objects.push_back(std::move(child));
    } else {
      return fail(wrong(fmt::format("\"{}\" must be an object or an array", name)));
    }
  }
  return node;
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text) {
  if (text.size() > kMostBytes) return fail(wrong(fmt::format("longer than {} bytes", kMostBytes)));
  boost::system::error_code failed;
  const auto value = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return fail(wrong(fmt::format("no JSON: {}", failed.message())));
  const auto* object = value.if_object();
  if (!object) return fail(wrong("filter is not an object"));
  LAMBENT_TRY(auto root, node_of(*object, {}));
  return Pattern(std::make_shared<const Node>(std::move(root)));
}

}  // namespace lambent::event_pattern
