// The way from a request to an operation and back; for generated sources only.
#pragma once

#include <span>
#include <utility>

#include "protocol/codec.h"
#include "protocol/service.h"

namespace lambent::protocol {

template <class Service>
using RunnerOf = net::Task<HttpReply> (*)(const ServiceModel&, const Operation&, Service&, const CallContext&,
                                          HttpRequest);

template <class>
struct OperationTraits;
template <class ServiceT, class InputT, class OutputT>
struct OperationTraits<Answer<OutputT> (ServiceT::*)(const CallContext&, InputT)> {
  using Service = ServiceT;
  using Input = InputT;
  using Output = OutputT;
};

// One request through one operation.
template <auto Method>
net::Task<HttpReply> run(const ServiceModel& model, const Operation& operation,
                         typename OperationTraits<decltype(Method)>::Service& service, const CallContext& call,
                         HttpRequest request) {
  typename OperationTraits<decltype(Method)>::Input input{};
  if (const auto wrong = decode_request(model, operation, request, &input)) co_return error_reply(model, call, *wrong);
  auto answer = co_await (service.*Method)(call, std::move(input));
  if (!answer) co_return error_reply(model, call, answer.error());
  co_return encode_reply(model, operation, call, &*answer);
}

template <class Output>
Answer<Output> not_implemented(const Operation& operation) {
  co_return failure(not_implemented_error(operation));
}

net::Task<HttpReply> ready_reply(HttpReply reply);

template <class Service>
net::Task<HttpReply> dispatch_with(const ServiceModel& model, std::span<const RunnerOf<Service>> runners,
                                   Service& service, const CallContext& call, HttpRequest request) {
  const auto operation = find_operation(model, request);
  if (!operation) return ready_reply(error_reply(model, call, operation.error()));
  return runners[*operation](model, model.operations[*operation], service, call, std::move(request));
}

template <class Service>
class EndpointOf final : public Endpoint {
 public:
  EndpointOf(const ServiceModel& model, std::span<const RunnerOf<Service>> runners, Service& service)
      : model_(model), runners_(runners), service_(service) {}
  [[nodiscard]] const ServiceModel& model() const override { return model_; }
  net::Task<HttpReply> dispatch(const CallContext& call, HttpRequest request) override {
    return dispatch_with<Service>(model_, runners_, service_, call, std::move(request));
  }

 private:
  const ServiceModel& model_;
  std::span<const RunnerOf<Service>> runners_;
  Service& service_;
};

}  // namespace lambent::protocol
