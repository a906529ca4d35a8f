// What the operations' flows share. Internal to this folder's .cpp files.
#pragma once

#include "net/one_shot.h"
#include "services/dynamodb/answers.h"
#include "services/dynamodb/dynamodb.h"

// Leaves an operation with the engine's error, or binds its result.
#define DYNAMODB_CO_TRY(declaration, expression) \
  DYNAMODB_CO_TRY_(LAMBENT_CONCAT(try_, __LINE__), declaration, expression)
#define DYNAMODB_CO_TRY_(tmp, declaration, expression)                     \
  auto tmp = (expression);                                                 \
  if (!tmp) co_return protocol::failure(error_of(std::move(tmp).error())); \
  declaration = *std::move(tmp)

namespace lambent::services::dynamodb {

template <class T, class Start>
net::Task<tables::TablesResult<T>> DynamoDb::change(Start start) {
  net::OneShot<tables::TablesResult<T>> done;
  start(tables::Completion<T>([&loop = loop_, done](tables::TablesResult<T> result) mutable {
    loop.post([done, result = std::move(result)]() mutable { done.set(std::move(result)); });
  }));
  co_return co_await done;
}

template <class T, class Request>
net::Task<tables::TablesResult<T>> DynamoDb::read(
    Request request, std::optional<tables::TablesResult<T>> (tables::Engine::*at_once)(const Request&) const,
    tables::TablesResult<T> (tables::Engine::*whole)(const Request&) const) {
  if (auto found = (engine_.*at_once)(request)) co_return *std::move(found);
  co_return co_await pool_.run(
      loop_, [&engine = engine_, whole, request = std::move(request)] { return (engine.*whole)(request); });
}

}  // namespace lambent::services::dynamodb
