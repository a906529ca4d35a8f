// The way from a request to an operation and back; for generated sources only.
//
// The way itself is one coroutine for all operations (run.cpp); what differs by type stands behind PendingCall, because
// a coroutine for each of a hundred operations costs half a minute of compiling.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "protocol/codec.h"
#include "protocol/service.h"

namespace lambent::protocol {

// One call of one operation: its input, then the task that makes its output.
class PendingCall {
 public:
  virtual ~PendingCall() = default;
  // The struct that decoding fills.
  virtual void* input() = 0;
  // Calls the operation with the input; false where the service does not override it.
  virtual bool begin(const CallContext& call) = 0;
  // Starts the task; `caller` is resumed at its end.
  virtual std::coroutine_handle<> await(std::coroutine_handle<> caller) = 0;
  // After the task's end.
  virtual HttpReply finish(const ServiceModel& model, const Operation& operation, const CallContext& call) = 0;
};

template <class Service>
using CallFactory = std::unique_ptr<PendingCall> (*)(Service&);

template <class>
struct OperationTraits;
template <class ServiceT, class InputT, class OutputT>
struct OperationTraits<Answer<OutputT> (ServiceT::*)(const CallContext&, InputT)> {
  using Service = ServiceT;
  using Input = InputT;
  using Output = OutputT;
};

template <auto Method>
class CallOf final : public PendingCall {
  using Traits = OperationTraits<decltype(Method)>;
  using Task = Answer<typename Traits::Output>;

 public:
  explicit CallOf(typename Traits::Service& service) : service_(service) {}

  void* input() override { return &input_; }
  bool begin(const CallContext& call) override {
    task_ = (service_.*Method)(call, std::move(input_));
    return static_cast<bool>(task_);
  }
  std::coroutine_handle<> await(std::coroutine_handle<> caller) override {
    awaiter_.emplace(std::move(task_).operator co_await());
    return awaiter_->await_suspend(caller);
  }
  HttpReply finish(const ServiceModel& model, const Operation& operation, const CallContext& call) override {
    auto& answer = *awaiter_->handle.promise().value;  // used in place: the task lives as long as this call
    if (!answer) return error_reply(model, call, answer.error());
    auto reply = encode_reply(model, operation, call, &*answer);
    if constexpr (requires { answer->event_stream; }) reply.stream = std::move(answer->event_stream);
    return reply;
  }

 private:
  typename Traits::Service& service_;
  typename Traits::Input input_{};
  Task task_;
  std::optional<typename Task::Awaiter> awaiter_;
};

template <auto Method>
std::unique_ptr<PendingCall> make_call(typename OperationTraits<decltype(Method)>::Service& service) {
  return std::make_unique<CallOf<Method>>(service);
}

// Decodes, validates, calls, encodes.
net::Task<HttpReply> run(const ServiceModel& model, const Operation& operation, std::unique_ptr<PendingCall> pending,
                         const CallContext& call, HttpRequest request);

net::Task<HttpReply> ready_reply(HttpReply reply);

template <class Service>
net::Task<HttpReply> dispatch_with(const ServiceModel& model, std::span<const CallFactory<Service>> factories,
                                   Service& service, const CallContext& call, HttpRequest request) {
  const auto operation = find_operation(model, request);
  if (!operation) return ready_reply(error_reply(model, call, operation.error()));
  return run(model, model.operations[*operation], factories[*operation](service), call, std::move(request));
}

template <class Service>
class EndpointOf final : public Endpoint {
 public:
  EndpointOf(const ServiceModel& model, std::span<const CallFactory<Service>> factories, Service& service)
      : model_(model), factories_(factories), service_(service) {}
  [[nodiscard]] const ServiceModel& model() const override { return model_; }
  net::Task<HttpReply> dispatch(const CallContext& call, HttpRequest request) override {
    return dispatch_with<Service>(model_, factories_, service_, call, std::move(request));
  }

 private:
  const ServiceModel& model_;
  std::span<const CallFactory<Service>> factories_;
  Service& service_;
};

}  // namespace lambent::protocol
