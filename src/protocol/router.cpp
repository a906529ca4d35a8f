#include "protocol/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "protocol/codec.h"
#include "protocol/endpoint.h"
#include "protocol/form.h"

namespace lambent::protocol {
namespace {

constexpr std::size_t kMaxSegments = 32;

// A path cut at its slashes; count is kMaxSegments + 1 where there are too many.
struct Segments {
  std::array<std::string_view, kMaxSegments> part;
  std::size_t count = 0;

  explicit Segments(std::string_view path) {
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.ends_with('/')) path.remove_suffix(1);
    while (!path.empty()) {
      if (count == kMaxSegments) {
        count = kMaxSegments + 1;
        return;
      }
      const auto slash = path.find('/');
      part[count++] = path.substr(0, slash);
      path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
  }
};

// From the first character of `first` to the last of `last`, both pieces of the same path.
std::string_view span_of(std::string_view first, std::string_view last) {
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the size is given
  return {first.data(), static_cast<std::size_t>(last.data() + last.size() - first.data())};
}

bool match_segments(std::span<const UriSegment> wanted, const Segments& path, std::vector<BoundLabel>& labels) {
  const bool greedy = std::any_of(wanted.begin(), wanted.end(), [](const auto& segment) { return segment.greedy; });
  if (path.count > kMaxSegments || path.count < wanted.size() || (path.count > wanted.size() && !greedy)) return false;
  const std::size_t extra = path.count - wanted.size();  // taken by the greedy label
  std::size_t at = 0;
  for (const auto& segment : wanted) {
    const auto part = path.part[at];
    if (!segment.label) {
      if (part != segment.text) return false;
    } else {
      const std::size_t last = at + (segment.greedy ? extra : 0);
      if (part.empty()) return false;
      labels.push_back({segment.text, span_of(part, path.part[last])});
      at = last;
    }
    ++at;
  }
  return true;
}

bool match_literals(std::span<const QueryLiteral> wanted, const Form& query) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const QueryLiteral& literal) {
    const auto* value = find_in(query, literal.key);
    return value && (literal.value.empty() || *value == literal.value);
  });
}

std::optional<std::size_t> by_name(const ServiceModel& service, std::string_view name) {
  // The generator sorts operations by name.
  const auto found = std::lower_bound(service.operations.begin(), service.operations.end(), name,
                                      [](const Operation& op, std::string_view wanted) { return op.name < wanted; });
  if (found == service.operations.end() || found->name != name) return {};
  return static_cast<std::size_t>(found - service.operations.begin());
}

std::optional<std::size_t> by_target(const ServiceModel& service, const HttpRequest& request) {
  auto target = request.header("X-Amz-Target").value_or("");
  if (!target.starts_with(service.target_prefix)) return {};
  target.remove_prefix(service.target_prefix.size());
  if (!target.starts_with('.')) return {};
  return by_name(service, target.substr(1));
}

// Query's Action, from the query string or the form in the body.
std::optional<std::string> action_of(const HttpRequest& request) {
  for (const std::string_view text : {request.query, std::string_view(request.body)}) {
    const auto form = parse_form(text, true);
    if (!form) continue;
    if (const auto* action = find_in(*form, "Action")) return *action;
  }
  return {};
}

bool is_form(const HttpRequest& request) {
  return request.method == "POST" &&
         request.header("Content-Type").value_or("").starts_with("application/x-www-form-urlencoded");
}

ServiceError unknown_operation(const ServiceModel& service) {
  const int status = service.protocol == WireProtocol::rest_json ? 404 : 400;
  return framework_error("UnknownOperationException", "", status);
}

std::expected<std::size_t, ServiceError> by_action(const ServiceModel& service, const HttpRequest& request) {
  const auto action = action_of(request);
  if (!action) {
    return failure(framework_error("MissingAction", "The request is missing an action or a required parameter.", 400));
  }
  if (const auto found = by_name(service, *action)) return *found;
  return failure(framework_error(
      "InvalidAction", fmt::format("Could not find operation {} for version {}", *action, service.api_version), 400));
}

}  // namespace

std::optional<RestMatch> match_rest(const ServiceModel& service, std::string_view method, std::string_view path,
                                    std::string_view query) {
  const Segments segments(path);
  std::optional<Form> form;  // parsed for the few operations that ask for literals
  std::optional<RestMatch> best;
  for (std::size_t i = 0; i < service.operations.size(); ++i) {
    const Operation& op = service.operations[i];
    if (op.method != method || (best && op.query_literals.empty())) continue;
    std::vector<BoundLabel> labels;
    if (!match_segments(op.segments, segments, labels)) continue;
    if (!op.query_literals.empty()) {
      if (!form) form = parse_form(query, false).value_or(Form());
      if (!match_literals(op.query_literals, *form)) continue;
      return RestMatch{i, std::move(labels)};  // literals are the more exact template
    }
    best = RestMatch{i, std::move(labels)};
  }
  return best;
}

std::expected<std::size_t, ServiceError> find_operation(const ServiceModel& service, const HttpRequest& request) {
  std::optional<std::size_t> found;
  switch (service.protocol) {
    case WireProtocol::query:
      return by_action(service, request);
    case WireProtocol::aws_json:
      found = by_target(service, request);
      break;
    case WireProtocol::rest_json:
      if (auto match = match_rest(service, request.method, request.path, request.query)) found = match->operation;
      break;
  }
  if (!found) return failure(unknown_operation(service));
  return *found;
}

std::optional<OperationInfo> identify(const ServiceModel& service, const HttpRequest& request) {
  const auto found = find_operation(service, request);
  if (found) return OperationInfo{&service, &service.operations[*found]};
  if (service.protocol == WireProtocol::query && found.error().code == "MissingAction") {
    return OperationInfo{&service, nullptr};
  }
  return {};
}

std::size_t OperationInfo::max_body(const Limits& limits) const {
  switch (operation ? operation->body_class : BodyClass::control) {
    case BodyClass::control:
      return kMiB;
    case BodyClass::document:
      return 16 * kMiB;
    case BodyClass::payload:
      return limits.sync_payload_bytes + kMiB;
    case BodyClass::package:
      return limits.body_bytes;
  }
  return kMiB;
}

const ServiceModel* find_service(std::span<const ServiceModel* const> services, std::string_view scope,
                                 const HttpRequest& request) {
  const auto pick = [&](auto matches) -> const ServiceModel* {
    const auto found = std::find_if(services.begin(), services.end(), [&](const auto* s) { return matches(*s); });
    return found == services.end() ? nullptr : *found;
  };
  const auto target = request.header("X-Amz-Target");
  const auto prefix = target ? target->substr(0, target->rfind('.')) : std::string_view();
  if (!scope.empty()) {
    // DynamoDB and its streams are signed for by one name; the target tells them apart.
    const auto signed_for = [&](const ServiceModel& s) { return s.signing_name == scope; };
    const auto* exact = pick(
        [&](const ServiceModel& s) { return signed_for(s) && !s.target_prefix.empty() && s.target_prefix == prefix; });
    return exact != nullptr ? exact : pick(signed_for);
  }
  if (target) {
    return pick([&](const ServiceModel& s) { return !s.target_prefix.empty() && s.target_prefix == prefix; });
  }
  const auto* rest = pick([&](const ServiceModel& s) {
    return s.protocol == WireProtocol::rest_json && match_rest(s, request.method, request.path, request.query);
  });
  if (rest) return rest;
  const auto host = request.header("Host").value_or("");
  const auto label = host.substr(0, host.find('.'));
  if (const auto* named = pick([&](const ServiceModel& s) { return s.endpoint_prefix == label; })) return named;
  const auto* acts = pick([&](const ServiceModel& s) {
    return s.protocol == WireProtocol::query && find_operation(s, request).has_value();
  });
  if (acts || !is_form(request)) return acts;
  // The Action may stand in a body that was not read yet. All query services refuse an unsigned request alike.
  return pick([](const ServiceModel& s) { return s.protocol == WireProtocol::query; });
}

}  // namespace lambent::protocol
