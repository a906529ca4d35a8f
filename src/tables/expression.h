// The expressions of DynamoDB: conditions (condition, filter, key condition), updates and projections.
//
// Parsing resolves #names and :values at once, so that a parsed expression stands on its own. Errors are validation
// errors with DynamoDB's texts; a syntax error goes before every other fault of the same expression.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tables/document_path.h"
#include "tables/error.h"

namespace lambent::tables {

inline constexpr std::size_t kMaxExpressionBytes = 4096;
inline constexpr int kMaxOperators = 300;
inline constexpr std::size_t kMaxPathSteps = 32;

// ExpressionAttributeNames and ExpressionAttributeValues of a request; nothing where the request has none.
struct Placeholders {
  std::optional<std::map<std::string, std::string>> names;
  std::optional<Item> values;
};

// What of a request's placeholders its expressions used. The placeholders outlive it.
class PlaceholderUse {
 public:
  explicit PlaceholderUse(const Placeholders& placeholders) : placeholders_(placeholders) {}
  // Null where there is none; `token` has its # or :.
  const std::string* name(const std::string& token);
  const AttributeValue* value(const std::string& token);
  // Refuses placeholders that no expression used.
  [[nodiscard]] TablesResult<> check_all_used() const;

 private:
  const Placeholders& placeholders_;
  std::set<std::string> used_;
};

// Refuses empty maps, ill-formed keys and placeholders without any expression; `expressions` names those that the
// request could have had, `any` says whether it had one.
TablesResult<> check_placeholders(const Placeholders& placeholders, std::string_view expressions, bool any);

enum class Comparator { equal, not_equal, less, less_equal, greater, greater_equal };

// What a condition compares: a place in the item, a given value, or the size of either.
struct Operand {
  std::variant<DocumentPath, AttributeValue> source;
  bool size = false;
};

struct Condition {
  enum class Kind {
    all,  // AND of children
    any,  // OR of children
    negation,
    comparison,
    between,
    in,
    attribute_exists,
    attribute_not_exists,
    attribute_type,
    begins_with,
    contains
  };
  Kind kind = Kind::all;
  Comparator comparator = Comparator::equal;
  std::vector<Condition> children;
  std::vector<Operand> operands;
  bool in_parentheses = false;
};

// The right side of SET.
struct UpdateValue {
  enum class Kind { path, value, if_not_exists, list_append, plus, minus };
  Kind kind = Kind::value;
  DocumentPath path;     // path, if_not_exists
  AttributeValue value;  // value
  std::vector<UpdateValue> arguments;
};

struct Update {
  struct Set {
    DocumentPath path;
    UpdateValue value;
  };
  struct Change {
    DocumentPath path;
    AttributeValue value;
  };
  std::vector<Set> sets;
  std::vector<DocumentPath> removes;
  std::vector<Change> adds;
  std::vector<Change> deletes;

  // Every path that is changed, in no particular order.
  [[nodiscard]] std::vector<DocumentPath> paths() const;
};

// `parameter` is the request's name for it: "ConditionExpression", "FilterExpression" …
TablesResult<Condition> parse_condition(std::string_view text, std::string_view parameter, PlaceholderUse& use);
TablesResult<Update> parse_update(std::string_view text, PlaceholderUse& use);
TablesResult<std::vector<DocumentPath>> parse_projection(std::string_view text, PlaceholderUse& use);

// Whether the condition holds for the item (an empty one where there is none).
bool holds(const Condition& condition, const Item& item);

// Changes the item, or fails and leaves it in no particular state. All right sides see the item as it was before.
TablesResult<> apply(const Update& update, Item& item);

// Top-level attributes that the condition looks at.
std::set<std::string> attributes_of(const Condition& condition);

}  // namespace lambent::tables
