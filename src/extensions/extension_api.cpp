#include "extensions/extension_api.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace lambent::extensions {
namespace {

constexpr std::size_t kBodyBytes = std::size_t{64} * 1024;
constexpr std::size_t kNameBytes = 128;
constexpr std::size_t kTypeBytes = 256;

using State = ExtensionApi::Extension::State;

std::unexpected<ApiRefusal> refuse(std::string_view type, std::string_view message) {
  return std::unexpected(ApiRefusal{403, std::string(type), std::string(message)});
}

std::int64_t milliseconds(Wall moment) {
  return std::chrono::floor<std::chrono::milliseconds>(moment.time_since_epoch()).count();
}

edge::Response json_response(int status, const boost::json::object& body) {
  edge::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = boost::json::serialize(body);
  return response;
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

ExtensionApi::ExtensionApi(net::Loop& loop, Random& random, FunctionFacts function, std::size_t most,
                           Observer& observer)
    : loop_(loop), random_(random), function_(std::move(function)), most_(most), observer_(observer) {}

void ExtensionApi::expect(const std::vector<std::string>& external) {
  for (const auto& name : external) {
    Extension& added = extensions_.emplace_back();
    added.name = name;
    added.is_external = true;
  }
}

bool ExtensionApi::are_registered() const {
  return std::ranges::all_of(extensions_, [](const auto& each) { return each.state != State::starting; });
}

bool ExtensionApi::are_waiting() const {
  return std::ranges::all_of(
      extensions_, [](const auto& each) { return each.state == State::waiting || each.state == State::gone; });
}

bool ExtensionApi::is_any_told() const {
  return std::ranges::any_of(extensions_,
                             [](const auto& each) { return each.events.invoke && each.state != State::gone; });
}

const ExtensionApi::Extension* ExtensionApi::find(const edge::Headers& headers) const {
  const auto identifier = headers.get("Lambda-Extension-Identifier");
  if (!identifier || identifier->empty()) return nullptr;
  const auto found = std::ranges::find(extensions_, *identifier, &Extension::identifier);
  return found == extensions_.end() || found->state == State::gone ? nullptr : &*found;
}

void ExtensionApi::begin_call(const CallFacts& call) {
  if (!is_any_told()) return;
  const boost::json::object event{
      {"eventType", "INVOKE"},
      {"deadlineMs", milliseconds(call.deadline)},
      {"requestId", call.request_id},
      {"invokedFunctionArn", call.invoked_arn},
      {"tracing", boost::json::object{{"type", "X-Amzn-Trace-Id"}, {"value", call.trace_header}}}};
  const std::string text = boost::json::serialize(event);
  for (auto& each : extensions_) {
    if (each.events.invoke && each.state == State::waiting) give(each, text);
  }
}

void ExtensionApi::begin_shutdown(std::string_view reason, Wall deadline) {
  const boost::json::object event{
      {"eventType", "SHUTDOWN"}, {"shutdownReason", reason}, {"deadlineMs", milliseconds(deadline)}};
  const std::string text = boost::json::serialize(event);
  for (auto& each : extensions_) {
    if (each.events.shutdown && each.state != State::gone) give(each, text);
  }
}

void ExtensionApi::set_gone(std::size_t external) {
  if (external >= extensions_.size()) return;
  Extension& gone = *std::next(extensions_.begin(), static_cast<std::ptrdiff_t>(external));
  if (!gone.is_external) return;
  gone.state = State::gone;
  if (gone.parked) std::exchange(gone.parked, std::nullopt)->set(false);
}

void ExtensionApi::stop() {
  is_stopped_ = true;
  for (auto& each : extensions_) {
    if (each.parked) std::exchange(each.parked, std::nullopt)->set(false);
  }
}

// For the poll that waits, or for the next one.
void ExtensionApi::give(Extension& extension, std::string event) {
  extension.event = std::move(event);
  extension.state = State::busy;
  if (extension.parked) std::exchange(extension.parked, std::nullopt)->set(true);
}

net::Task<> ExtensionApi::handle(edge::Exchange& exchange) {
  using Kind = ExtensionRoute::Kind;
  const auto route = parse_extension_route(exchange.head().method, exchange.head().path());
  switch (route.kind) {
    case Kind::registration:
      co_await registration(exchange);
      co_return;
    case Kind::wrong_method:
      std::ignore =
          co_await exchange.respond(refusal_response({405, "MethodNotAllowed", "This path takes another method"}));
      co_return;
    case Kind::unknown:
      std::ignore = co_await exchange.respond(refusal_response({404, "NotFound", "No such Extensions API path"}));
      co_return;
    case Kind::next:
    case Kind::init_error:
    case Kind::exit_error:
      break;
  }
  const auto extension = by_identifier(exchange.head().headers);
  if (!extension) {
    std::ignore = co_await exchange.respond(refusal_response(extension.error()));
    co_return;
  }
  if (route.kind == Kind::next) {
    co_await next(exchange, **extension);
  } else {
    co_await error(exchange, **extension, route.kind == Kind::init_error);
  }
}

net::Task<> ExtensionApi::registration(edge::Exchange& exchange) {
  const std::string name(exchange.head().headers.get_or("Lambda-Extension-Name", ""));
  const bool tells_account = accepts_feature(exchange.head().headers, "accountId");
  const auto body = co_await exchange.read_body(kBodyBytes);
  if (!body) {
    std::ignore = co_await exchange.respond(edge::error_response(body.error()));
    co_return;
  }
  const auto events = parse_events(*body);
  const std::expected<Extension*, ApiRefusal> enrolled =
      events ? enroll(name, *events) : std::unexpected(events.error());
  if (!enrolled) {
    std::ignore = co_await exchange.respond(refusal_response(enrolled.error()));
    co_return;
  }
  boost::json::object told{
      {"functionName", function_.name}, {"functionVersion", function_.version}, {"handler", function_.handler}};
  if (tells_account) told["accountId"] = function_.account_id;
  auto response = json_response(200, told);
  response.headers.add("Lambda-Extension-Identifier", (*enrolled)->identifier);
  tell([](Observer& to) { to.on_progress(); });
  std::ignore = co_await exchange.respond(response);
}

std::expected<ExtensionApi::Extension*, ApiRefusal> ExtensionApi::enroll(std::string_view name, Events events) {
  if (name.empty() || name.size() > kNameBytes || !is_printable(name)) {
    return refuse("Extension.InvalidExtensionName", "Lambda-Extension-Name is missing or no file name");
  }
  if (!is_open_ || is_stopped_) {
    return refuse("Extension.RegistrationClosed", "Extensions register while the instance starts");
  }
  const auto found = std::ranges::find(extensions_, name, &Extension::name);
  if (found != extensions_.end() && found->state != State::starting) {
    return refuse("Extension.InvalidExtensionState", "The extension has registered already");
  }
  const auto registered =
      std::ranges::count_if(extensions_, [](const auto& each) { return each.state != State::starting; });
  if (static_cast<std::size_t>(registered) >= most_) {
    return refuse("Extension.TooManyExtensions", "The instance has as many extensions as it may have");
  }
  if (found == extensions_.end() && events.shutdown) {
    return refuse("Extension.InvalidEventType", "An internal extension is not told of SHUTDOWN");
  }
  Extension& extension = found == extensions_.end() ? extensions_.emplace_back() : *found;
  extension.name = name;
  extension.identifier = random_.uuid();
  extension.events = events;
  extension.state = State::registered;
  return &extension;
}

std::expected<ExtensionApi::Extension*, ApiRefusal> ExtensionApi::by_identifier(const edge::Headers& headers) {
  if (headers.get_or("Lambda-Extension-Identifier", "").empty()) {
    return refuse("Extension.MissingExtensionIdentifier", "Lambda-Extension-Identifier is missing");
  }
  const Extension* found = find(headers);
  if (found == nullptr) {
    return refuse("Extension.UnknownExtensionIdentifier", "No extension has this identifier");
  }
  return const_cast<Extension*>(found);
}

net::Task<> ExtensionApi::next(edge::Exchange& exchange, Extension& extension) {
  if (!extension.event) {
    // A second poll while one waits: the older lost its connection. The newest is served.
    if (extension.parked) std::exchange(extension.parked, std::nullopt)->set(false);
    extension.state = State::waiting;
    const net::OneShot<bool> mine;
    extension.parked = mine;
    tell([](Observer& to) { to.on_progress(); });
    if (!co_await mine || !extension.event) {
      if (!is_stopped_) {
        std::ignore = co_await exchange.respond(
            refusal_response({403, "Extension.InvalidExtensionState", "Another poll has taken the place of this one"}));
      }
      co_return;
    }
  }
  // One that is gone has not got the event: its next poll will.
  if (is_stopped_ || exchange.peer_gone()) co_return;
  edge::Response response;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Lambda-Extension-Event-Identifier", random_.uuid());
  response.body = *std::exchange(extension.event, std::nullopt);
  std::ignore = co_await exchange.respond(response);
}

net::Task<> ExtensionApi::error(edge::Exchange& exchange, Extension& extension, bool in_init) {
  std::string type(exchange.head().headers.get_or("Lambda-Extension-Function-Error-Type", ""));
  if (type.empty()) {
    std::ignore = co_await exchange.respond(
        refusal_response({403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type is missing"}));
    co_return;
  }
  if (type.size() > kTypeBytes || !is_printable(type)) type = in_init ? "Extension.InitError" : "Extension.ExitError";
  const auto body = co_await exchange.read_body(kBodyBytes);
  if (!body) {
    std::ignore = co_await exchange.respond(edge::error_response(body.error()));
    co_return;
  }
  if (extension.state == State::gone || (in_init && extension.state != State::registered)) {
    std::ignore = co_await exchange.respond(refusal_response(
        {403, "Extension.InvalidExtensionState", "The extension is in no state in which it can say so"}));
    co_return;
  }
  extension.state = State::gone;
  if (extension.parked) std::exchange(extension.parked, std::nullopt)->set(false);
  tell([name = extension.name, in_init, type = std::move(type)](Observer& to) mutable {
    to.on_error(name, in_init, std::move(type));
  });
  std::ignore = co_await exchange.respond(json_response(202, {{"status", "OK"}}));
}

void ExtensionApi::tell(std::move_only_function<void(Observer&)> call) {
  loop_.post([this, call = std::move(call)]() mutable {
    if (!is_stopped_) call(observer_);
  });
}

}  // namespace lambent::extensions
