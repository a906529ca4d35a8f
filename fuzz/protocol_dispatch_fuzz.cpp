// Arbitrary requests to every generated service: whatever arrives, a well-formed reply leaves.
//
// Input: first byte chooses the service; then lines "method target", headers "name: value", an empty line, the body.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/dynamodb/service.h"
#include "protocol/lambda/service.h"
#include "protocol/sts/service.h"
#include "protocol/testing.h"

namespace {

using namespace lambent::protocol;

// Gives back what it was given, so that encoding sees hostile values too.
class Echo : public dynamodb::Service {
 public:
  Answer<dynamodb::GetItemOutput> get_item(const CallContext&, dynamodb::GetItemInput request) override {
    dynamodb::GetItemOutput reply;
    reply.item = std::move(request.key);
    co_return reply;
  }
};
class EchoLambda : public lambda::Service {
 public:
  Answer<lambda::InvocationResponse> invoke(const CallContext&, lambda::InvocationRequest request) override {
    lambda::InvocationResponse reply;
    reply.payload = std::move(request.payload);
    reply.log_result = std::move(request.client_context);
    co_return reply;
  }
  Answer<lambda::GetFunctionResponse> get_function(const CallContext&, lambda::GetFunctionRequest request) override {
    co_return failure(lambda::ResourceNotFoundException{.message = std::move(request.function_name)});
  }
};
class EchoSts : public sts::Service {
 public:
  Answer<sts::AssumeRoleResponse> assume_role(const CallContext&, sts::AssumeRoleRequest request) override {
    co_return failure(sts::ExpiredTokenException{.message = std::move(request.role_session_name)});
  }
};

std::string_view line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto text = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return text;
}

void check(const HttpReply& reply) {
  if (reply.status < 200 || reply.status > 599) std::abort();
  for (const auto& [name, value] : reply.headers) {
    if (value.find_first_of("\r\n") != std::string::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty()) return 0;
  const char choice = rest[0];
  rest.remove_prefix(1);
  const auto start = line(rest);
  const auto space = start.find(' ');
  lambent::protocol::testing::RequestBuilder builder(
      std::string(start.substr(0, space)),
      std::string(space == std::string_view::npos ? std::string_view() : start.substr(space + 1)));
  for (auto header = line(rest); !header.empty(); header = line(rest)) {
    const auto colon = header.find(": ");
    if (colon == std::string_view::npos) continue;
    builder.header(std::string(header.substr(0, colon)), std::string(header.substr(colon + 2)));
  }
  builder.body(std::string(rest));

  static const CallContext call = lambent::protocol::testing::a_call();
  static Echo dynamodb_service;
  static EchoLambda lambda_service;
  static EchoSts sts_service;
  static const std::array<const ServiceModel*, 3> services{&lambda::model(), &dynamodb::model(), &sts::model()};
  find_service(services, "", builder.request());
  using lambent::protocol::testing::run_now;
  switch (choice) {
    case 'd':
      check(run_now(dynamodb::dispatch(dynamodb_service, call, builder.request())));
      break;
    case 's':
      check(run_now(sts::dispatch(sts_service, call, builder.request())));
      break;
    default:
      check(run_now(lambda::dispatch(lambda_service, call, builder.request())));
  }
  return 0;
}
