#include "protocol/run.h"

namespace lambent::protocol {
namespace {

struct Ending {
  PendingCall& pending;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) { return pending.await(caller); }
  void await_resume() const noexcept {}
};

}  // namespace

net::Task<HttpReply> ready_reply(HttpReply reply) {
  co_return reply;
}

net::Task<HttpReply> run(const ServiceModel& model, const Operation& operation, std::unique_ptr<PendingCall> pending,
                         const CallContext& call, HttpRequest request) {
  if (const auto wrong = decode_request(model, operation, request, pending->input())) {
    co_return error_reply(model, call, *wrong);
  }
  if (!pending->begin(call)) co_return error_reply(model, call, not_implemented_error(operation));
  co_await Ending{*pending};
  co_return pending->finish(model, operation, call);
}

}  // namespace lambent::protocol
