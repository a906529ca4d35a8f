// Which events a rule or an event source mapping wants, in EventBridge's pattern language
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html,
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html).
//
// A pattern is an object in the shape of the events it wants. Each leaf is an array: one of its tests must hold for the
// event's value there, or for one element where the value is an array. Tests: a string, number, boolean or null, and
// {"prefix"}, {"suffix"}, {"equals-ignore-case"}, {"wildcard"}, {"cidr"}, {"numeric"}, {"exists"}, {"anything-but"}.
// All fields must match, and of each "$or" one alternative. Where the event has an array of objects, one object of it
// must meet all that the pattern says of them.
//
// A value: parsed once, then used on any thread.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <memory>
#include <string_view>

#include "base/error.h"

namespace lambent::event_pattern {

struct Node;

class Pattern {
 public:
  static constexpr std::size_t kMostBytes = 4096;  // Lambda's and EventBridge's limit

  // The error's detail says what is wrong with it.
  static Result<Pattern> parse(std::string_view json);

  // False where the event is no object.
  [[nodiscard]] bool matches(const boost::json::value& event) const;
  // The same of JSON text; false where it is none.
  [[nodiscard]] bool matches(std::string_view event) const;

 private:
  explicit Pattern(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;
};

}  // namespace lambent::event_pattern
