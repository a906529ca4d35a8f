// Requests to generated services without a network, for tests.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/task.h"
#include "protocol/call_context.h"
#include "protocol/http.h"

namespace lambent::protocol::testing {

// Runs a task that never waits for anything outside.
template <class T>
T run_now(net::Task<T> task) {
  struct Driver {
    struct promise_type {
      Driver get_return_object() { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { std::terminate(); }
    };
  };
  std::optional<T> result;
  [](net::Task<T> inner, std::optional<T>& out) -> Driver { out.emplace(co_await std::move(inner)); }(std::move(task),
                                                                                                      result);
  assert(result);
  return *std::move(result);
}

inline CallContext a_call() {
  CallContext call;
  call.request_id = "11111111-2222-4333-8444-555555555555";
  call.account_id = "000000000000";
  call.region = "us-east-1";
  call.principal = {"arn:aws:iam::000000000000:root", "000000000000", "AKIAEXAMPLE", "000000000000"};
  return call;
}

// Holds what the views of an HttpRequest point to.
class RequestBuilder {
 public:
  RequestBuilder(std::string method, std::string target) : method_(std::move(method)), target_(std::move(target)) {}
  RequestBuilder& header(std::string name, std::string value) {
    headers_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  RequestBuilder& body(std::string text) {
    body_ = std::move(text);
    return *this;
  }
  // Valid while the builder lives.
  [[nodiscard]] HttpRequest request() {
    views_.clear();
    for (const auto& [name, value] : headers_) views_.push_back({name, value});
    const auto question = target_.find('?');
    HttpRequest request;
    request.method = method_;
    request.path = std::string_view(target_).substr(0, question);
    request.query = question == std::string::npos ? std::string_view() : std::string_view(target_).substr(question + 1);
    request.headers = views_;
    request.body = body_;
    return request;
  }

 private:
  std::string method_;
  std::string target_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::vector<Header> views_;
  std::string body_;
};

inline std::string header_of(const HttpReply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (same_header_name(key, name)) return value;
  }
  return {};
}

}  // namespace lambent::protocol::testing
