#include "protocol/query_reader.h"

#include <fmt/format.h>

#include "protocol/map.h"
#include "protocol/slot.h"
#include "protocol/text_scalar.h"

namespace lambent::protocol {
namespace {

constexpr int kMaxDepth = 32;

class QueryReader {
 public:
  QueryReader(const Form& form, Violations& violations) : violations_(violations) {
    fields_.reserve(form.size());
    for (const auto& [key, value] : form) fields_.push_back(key, value);
    fields_.sort();
  }

  std::optional<ServiceError> structure(const Structure& shape, void* target, const std::string& prefix,
                                        const Path& path, int depth) {
    for (const auto& member : shape.members) {
      const Path here = path.member(member.name);
      const std::string name = prefix.empty() ? std::string(member.wire) : fmt::format("{}.{}", prefix, member.wire);
      if (!present(name)) {
        if (member.required) violations_.missing(here);
        continue;
      }
      void* slot = fill(member, target);
      if (auto wrong = value(*member.shape, slot, name, here, depth + 1)) return wrong;
      violations_.check(*member.shape, slot, here);
    }
    return {};
  }

 private:
  // The name itself, or anything below it.
  [[nodiscard]] bool present(const std::string& name) const {
    if (fields_.contains(name)) return true;
    const std::string below = name + ".";
    const auto next = std::lower_bound(fields_.begin(), fields_.end(), below,
                                       [](const auto& entry, const std::string& wanted) { return entry.key < wanted; });
    return next != fields_.end() && next->key.starts_with(below);
  }

  std::optional<ServiceError> value(const Shape& shape, void* target, const std::string& name, const Path& path,
                                    int depth) {
    if (depth > kMaxDepth) return serialization_error("Too many levels of parameters");
    const auto* text = fields_.find(name);
    const bool scalar = text != nullptr && !text->empty();  // clients write an empty list as an empty text
    if (shape.kind == Kind::list) {
      if (scalar && !shape.flattened) return serialization_error("Unexpected list element termination");
      return list(shape, target, name, path, depth);
    }
    if (shape.kind == Kind::structure || shape.kind == Kind::map) {
      if (scalar) return serialization_error("Unexpected complex element termination");
      if (shape.kind == Kind::map) return map(shape, target, name, path, depth);
      return structure(*shape.structure, target, name, path, depth);
    }
    return parse_scalar(shape, text ? std::string_view(*text) : std::string_view(), TimeFormat::iso8601, target);
  }

  std::optional<ServiceError> list(const Shape& shape, void* target, const std::string& name, const Path& path,
                                   int depth) {
    const std::string base = shape.flattened ? name : fmt::format("{}.{}", name, shape.element_name);
    for (std::size_t i = 0;; ++i) {
      const std::string item = fmt::format("{}.{}", base, i + 1);
      if (!present(item)) break;
      if (auto wrong = value(*shape.element, shape.list->append(target), item, path.element(i), depth + 1))
        return wrong;
    }
    violations_.check_elements(shape, target, false, path);
    return {};
  }

  std::optional<ServiceError> map(const Shape& shape, void* target, const std::string& name, const Path& path,
                                  int depth) {
    const std::string base = shape.flattened ? name : name + ".entry";
    for (std::size_t i = 1;; ++i) {
      const auto* key = fields_.find(fmt::format("{}.{}.key", base, i));
      if (key == nullptr) break;
      const std::string item = fmt::format("{}.{}.value", base, i);
      void* slot = shape.map->append(target, *key);
      if (auto wrong = value(*shape.element, slot, item, path.entry(*key), depth + 1)) return wrong;
    }
    shape.map->finish(target);
    violations_.check_elements(shape, target, false, path);
    return {};
  }

  Map<std::string> fields_;
  Violations& violations_;
};

}  // namespace

std::optional<ServiceError> read_query(const Form& form, const Structure& structure, void* target, const Path& path,
                                       Violations& violations) {
  return QueryReader(form, violations).structure(structure, target, "", path, 0);
}

}  // namespace lambent::protocol
