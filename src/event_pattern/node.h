// What a pattern is made of, between parse.cpp, which makes it, and match.cpp, which asks it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace lambent::event_pattern {

struct Null {};

enum class TextTest : std::uint8_t {
  equals,
  ignores_case,
  prefix,
  prefix_ignores_case,
  suffix,
  suffix_ignores_case,
  wildcard
};

// A test of strings. The text of one that ignores case is in lower case.
struct Text {
  TextTest test = TextTest::equals;
  std::string text;
  std::vector<std::string> parts;  // of a wildcard: what stands between its stars, escapes resolved
};

// Both ends may be open; "=" is [value, value].
struct Range {
  double low;
  double high;
  bool has_low;  // the end itself is inside
  bool has_high;
};

struct Cidr {
  std::array<std::uint8_t, 16> address{};
  int family = 0;
  unsigned bits = 0;
};

struct Present {};  // {"exists": true}
struct Absent {};   // {"exists": false}

// Holds for a value for which none of these does.
struct AnythingBut {
  std::vector<std::variant<Null, bool, double, Text>> none_of;
};

using Test = std::variant<Null, bool, double, Text, Range, Cidr, Present, Absent, AnythingBut>;

struct Leaf {
  std::vector<std::string> path;  // from the top; the last is its own name
  std::vector<Test> tests;        // one must hold
  bool takes_absence = false;
};

struct Node {
  std::string name;
  std::vector<Leaf> leaves;
  std::vector<Node> objects;
  std::vector<std::vector<Node>> alternatives;  // of each "$or"
};

}  // namespace lambent::event_pattern
