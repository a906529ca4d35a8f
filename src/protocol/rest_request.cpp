#include "protocol/rest_request.h"

#include <algorithm>

#include "base/encoding.h"
#include "protocol/form.h"
#include "protocol/slot.h"
#include "protocol/text_scalar.h"

namespace lambent::protocol {
namespace {

class OutsideReader {
 public:
  OutsideReader(const HttpRequest& request, const RestMatch& match, const Form& query, Violations& violations)
      : request_(request), match_(match), query_(query), violations_(violations) {}

  std::optional<ServiceError> member(const Member& member, void* target, const Path& here) {
    bool present = false;
    std::optional<ServiceError> wrong;
    switch (member.place) {
      case Place::label:
        wrong = label(member, target, present);
        break;
      case Place::query:
        wrong = query(member, target, present, here);
        break;
      case Place::header:
        wrong = header(member, target, present);
        break;
      case Place::header_prefix:
        header_prefix(member, target, present);
        break;
      default:
        return {};
    }
    if (wrong) return wrong;
    if (!present) {
      if (member.required) violations_.missing(here);
      return {};
    }
    violations_.check(*member.shape, peek(member, target), here);
    return {};
  }

 private:
  std::optional<ServiceError> label(const Member& member, void* target, bool& present) {
    for (const auto& bound : match_.labels) {
      if (bound.name != member.wire) continue;
      const auto text = percent_decode(bound.value);
      if (!text) return serialization_error("Invalid percent-encoding in the path");
      present = true;
      return parse_scalar(*member.shape, *text, TimeFormat::iso8601, fill(member, target));
    }
    return {};
  }

  std::optional<ServiceError> query(const Member& member, void* target, bool& present, const Path& here) {
    const Shape& shape = *member.shape;
    if (shape.kind == Kind::list) return query_list(member, target, present, here);
    if (shape.kind == Kind::map) return query_map(member, target, present, here);
    const auto* text = find_in(query_, member.wire);
    // An empty number or date is no value at all; an empty string is one.
    if (text == nullptr || (text->empty() && shape.kind != Kind::string)) return {};
    present = true;
    return parse_scalar(shape, *text, TimeFormat::iso8601, fill(member, target));
  }

  std::optional<ServiceError> query_list(const Member& member, void* target, bool& present, const Path& here) {
    const Shape& shape = *member.shape;
    void* list = nullptr;
    for (const auto& [key, text] : query_) {
      if (key != member.wire) continue;
      if (list == nullptr) list = fill(member, target);
      if (auto wrong = parse_scalar(*shape.element, text, TimeFormat::iso8601, shape.list->append(list))) return wrong;
    }
    present = list != nullptr;
    if (present) violations_.check_elements(shape, list, false, here);
    return {};
  }

  // Every parameter that no other member names.
  std::optional<ServiceError> query_map(const Member& member, void* target, bool& present, const Path& here) {
    const Shape& shape = *member.shape;
    void* map = fill(member, target);
    for (const auto& [key, text] : query_) {
      const bool many = shape.element->kind == Kind::list;
      void* value = shape.map->append(map, key);
      if (many) {
        value = shape.element->list->append(value);
      }
      const Shape& scalar = many ? *shape.element->element : *shape.element;
      if (auto wrong = parse_scalar(scalar, text, TimeFormat::iso8601, value)) return wrong;
    }
    shape.map->finish(map);
    present = true;
    violations_.check_elements(shape, map, false, here);
    return {};
  }

  std::optional<ServiceError> header(const Member& member, void* target, bool& present) {
    const auto text = request_.header(member.wire);
    if (!text) return {};
    present = true;
    return parse_scalar(*member.shape, *text, TimeFormat::http_date, fill(member, target));
  }

  void header_prefix(const Member& member, void* target, bool& present) {
    const Shape& shape = *member.shape;
    void* map = nullptr;
    for (const auto& header : request_.headers) {
      const auto name = header.name.substr(0, std::min(header.name.size(), member.wire.size()));
      if (!same_header_name(name, member.wire) || !is_utf8(header.value)) continue;
      if (map == nullptr) map = fill(member, target);
      as<std::string>(shape.map->append(map, std::string(header.name.substr(name.size())))) = header.value;
    }
    present = map != nullptr;
    if (present) shape.map->finish(map);
  }

  const HttpRequest& request_;
  const RestMatch& match_;
  const Form& query_;
  Violations& violations_;
};

}  // namespace

std::optional<ServiceError> read_outside_body(const HttpRequest& request, const RestMatch& match,
                                              const Structure& structure, void* target, const Path& path,
                                              Violations& violations) {
  const auto query = parse_form(request.query, false);
  if (!query) return serialization_error("Invalid percent-encoding in the query string");
  OutsideReader reader(request, match, *query, violations);
  for (const auto& member : structure.members) {
    if (auto wrong = reader.member(member, target, path.member(member.name))) return wrong;
  }
  return {};
}

}  // namespace lambent::protocol
