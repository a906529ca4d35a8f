// Whether an event is what a pattern wants.
#include <arpa/inet.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <span>

#include "event_pattern/node.h"
#include "event_pattern/pattern.h"
#include "event_pattern/text_case.h"

namespace lambent::event_pattern {
namespace {

namespace json = boost::json;

bool same_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return lower_case(a) == b; });
}

// The first part at the start, the last at the end, those between in turn, each as early as it can be.
bool fits(std::string_view text, const std::vector<std::string>& parts) {
  if (parts.size() == 1) return text == parts.front();
  const auto& first = parts.front();
  const auto& last = parts.back();
  if (text.size() < first.size() + last.size() || !text.starts_with(first) || !text.ends_with(last)) return false;
  text = text.substr(first.size(), text.size() - first.size() - last.size());
  for (const auto& part : std::span(parts).subspan(1, parts.size() - 2)) {
    const auto at = text.find(part);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + part.size());
  }
  return true;
}

bool holds(const Text& test, std::string_view text) {
  const std::size_t size = test.text.size();
  switch (test.test) {
    case TextTest::equals:
      return text == test.text;
    case TextTest::ignores_case:
      return same_ignoring_case(text, test.text);
    case TextTest::prefix:
      return text.starts_with(test.text);
    case TextTest::prefix_ignores_case:
      return text.size() >= size && same_ignoring_case(text.substr(0, size), test.text);
    case TextTest::suffix:
      return text.ends_with(test.text);
    case TextTest::suffix_ignores_case:
      return text.size() >= size && same_ignoring_case(text.substr(text.size() - size), test.text);
    case TextTest::wildcard:
      return fits(text, test.parts);
  }
  return false;
}

bool holds(const Cidr& range, std::string_view text) {
  std::array<std::uint8_t, 16> address{};
  if (inet_pton(range.family, std::string(text).c_str(), address.data()) != 1) return false;
  for (unsigned bit = 0; bit < range.bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if ((address[bit / 8] & mask) != (range.address[bit / 8] & mask)) return false;
  }
  return true;
}

std::string_view text_of(const json::value& value) {
  const auto& text = value.get_string();
  return {text.data(), text.size()};
}

// Of a value that is no array and no object.
struct Holds {
  const json::value& value;

  bool operator()(Null) const { return value.is_null(); }
  bool operator()(bool wanted) const { return value.is_bool() && value.get_bool() == wanted; }
  bool operator()(double wanted) const { return value.is_number() && value.to_number<double>() == wanted; }
  bool operator()(const Text& test) const { return value.is_string() && holds(test, text_of(value)); }
  bool operator()(const Cidr& test) const { return value.is_string() && holds(test, text_of(value)); }
  bool operator()(Present) const { return true; }
  bool operator()(Absent) const { return false; }
  bool operator()(const Range& range) const {
    if (!value.is_number()) return false;
    const auto number = value.to_number<double>();
    return (range.has_low ? number >= range.low : number > range.low) &&
           (range.has_high ? number <= range.high : number < range.high);
  }
  bool operator()(const AnythingBut& test) const {
    return std::ranges::none_of(test.none_of, [&](const auto& each) { return std::visit(*this, each); });
  }
};

// Whether there is a value at the end of the path, through all elements of arrays on the way.
bool is_present(const json::value& at, std::span<const std::string> path) {
  if (const auto* list = at.if_array()) {
    return std::ranges::any_of(*list, [&](const json::value& each) { return is_present(each, path); });
  }
  if (path.empty()) return !at.is_object();
  const auto* object = at.if_object();
  const auto* inner = object ? object->if_contains(path.front()) : nullptr;
  return inner && is_present(*inner, path.subspan(1));
}

class Match {
 public:
  explicit Match(const json::value& event) : event_(event) {}

  // `at` is null where the event has nothing there.
  bool matches(const Node& node, const json::value* at) {
    if (const auto* list = at ? at->if_array() : nullptr) {
      return std::ranges::any_of(*list, [&](const json::value& each) { return matches(node, &each); });
    }
    const auto* object = at ? at->if_object() : nullptr;
    const auto inner = [&](const std::string& name) { return object ? object->if_contains(name) : nullptr; };
    return std::ranges::all_of(node.leaves, [&](const Leaf& leaf) { return matches(leaf, inner(leaf.path.back())); }) &&
           std::ranges::all_of(node.objects, [&](const Node& each) { return matches(each, inner(each.name)); }) &&
           std::ranges::all_of(node.alternatives, [&](const std::vector<Node>& any) {
             return std::ranges::any_of(any, [&](const Node& each) { return matches(each, at); });
           });
  }

 private:
  bool matches(const Leaf& leaf, const json::value* at) {
    return (at && any_holds(leaf, *at)) || (leaf.takes_absence && is_absent(leaf));
  }

  static bool any_holds(const Leaf& leaf, const json::value& at) {
    if (const auto* list = at.if_array()) {
      return std::ranges::any_of(*list, [&](const json::value& each) { return any_holds(leaf, each); });
    }
    if (at.is_object()) return false;  // no leaf of the event
    return std::ranges::any_of(leaf.tests, [&](const Test& test) { return std::visit(Holds{at}, test); });
  }

  // Asked again for each element of an array that the leaf is under: looked for once.
  bool is_absent(const Leaf& leaf) {
    const auto [place, is_new] = absent_.try_emplace(&leaf, false);
    if (is_new) place->second = !is_present(event_, leaf.path);
    return place->second;
  }

  const json::value& event_;
  std::map<const Leaf*, bool> absent_;
};

}  // namespace

bool Pattern::matches(const json::value& event) const {
  return event.is_object() && Match(event).matches(*root_, &event);
}

bool Pattern::matches(std::string_view text) const {
  constexpr std::size_t kDepth = 512;
  json::parse_options options;
  options.max_depth = kDepth;
  boost::system::error_code failed;
  const auto event = json::parse(json::string_view(text.data(), text.size()), failed, {}, options);
  return !failed && matches(event);
}

}  // namespace lambent::event_pattern
