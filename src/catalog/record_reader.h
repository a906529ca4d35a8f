// How the catalog's records are read from JSON: a member that is missing or of a wrong type is an error that names it.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace lambent::catalog {

namespace json = boost::json;

// Raised whenever a record written by this program would be misread by the one before it. 2: versions, aliases.
inline constexpr int kRecordFormat = 2;

using Pairs = std::vector<std::pair<std::string, std::string>>;

// The JSON object of a record; fails for malformed text and a format newer than kRecordFormat. `what`: for the error.
Result<json::object> open_record(std::string_view text, std::string_view what);

// An array of [name, value]: keeps order and duplicates as they are.
json::array pairs_to_json(const Pairs& pairs);

// Takes members one by one; the first that is missing or of a wrong type is remembered, and the rest is skipped.
class RecordReader {
 public:
  explicit RecordReader(const json::object& object) : object_(object) {}

  void text(const char* name, std::string& out) {
    if (const auto* value = member(name, json::kind::string)) out = std::string(value->get_string());
  }
  void boolean(const char* name, bool& out) {
    if (const auto* value = member(name, json::kind::bool_)) out = value->get_bool();
  }
  template <class Number>
  void number(const char* name, Number& out) {
    const auto* value = member(name, std::nullopt);
    if (!value) return;
    boost::system::error_code failed;
    const auto read = value->to_number<Number>(failed);
    if (failed) return fail_at(name);
    out = read;
  }
  void texts(const char* name, std::vector<std::string>& out) {
    const auto* value = member(name, json::kind::array);
    if (!value) return;
    for (const auto& element : value->get_array()) {
      if (!element.is_string()) return fail_at(name);
      out.emplace_back(element.get_string());
    }
  }
  void pairs(const char* name, Pairs& out) {
    const auto* value = member(name, json::kind::array);
    if (!value) return;
    for (const auto& element : value->get_array()) {
      const auto* pair = element.if_array();
      if (!pair || pair->size() != 2 || !pair->at(0).is_string() || !pair->at(1).is_string()) return fail_at(name);
      out.emplace_back(std::string(pair->at(0).get_string()), std::string(pair->at(1).get_string()));
    }
  }
  // Null where absent: for members that may be.
  const json::object* object(const char* name) {
    const auto* value = object_.if_contains(name);
    if (!value) return nullptr;
    if (!value->is_object()) fail_at(name);
    return value->if_object();
  }
  bool has(const char* name) const { return object_.contains(name); }
  void fail_at(std::string name) {
    if (failed_.empty()) failed_ = std::move(name);
  }
  [[nodiscard]] const std::string& failed() const { return failed_; }
  // An error that names the first problem, if there was one.
  [[nodiscard]] Result<> result(std::string_view what) const;

 private:
  const json::value* member(const char* name, std::optional<json::kind> kind) {
    if (!failed_.empty()) return nullptr;
    const auto* value = object_.if_contains(name);
    if (!value || (kind && value->kind() != *kind)) {
      fail_at(name);
      return nullptr;
    }
    return value;
  }

  const json::object& object_;
  std::string failed_;
};

}  // namespace lambent::catalog
