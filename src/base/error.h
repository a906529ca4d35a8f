// What a failed operation of the operating system, a library or a file is: a value, never an exception.
//
// Operating errors (disk full, no such file, a peer that hung up) are returned as Result<T>; programmer errors assert.
// A module whose callers must tell failures apart defines an error type of its own (an enum of kinds plus this
// context) and returns std::expected<T, ThatError>; all others use base::Error.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace lambent {

// One failed step: what was tried, on what, and why it failed.
struct Error {
  std::string step;    // what was being done, e.g. "open", "unpack code"
  std::string target;  // path, address or name it was done to; may be empty
  int code = 0;        // errno, 0 where the failure has none
  std::string detail;  // human text where errno does not say it; may be empty

  // One line for a log or a terminal: "open /x/y: No such file or directory".
  [[nodiscard]] std::string message() const;

  // Captures errno at the moment of the call.
  static Error from_errno(std::string_view step, std::string_view target = {});
  static Error of(std::string_view step, std::string_view target, std::string_view detail);
};

template <class T = void, class E = Error>
using Result = std::expected<T, E>;

[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}
[[nodiscard]] inline std::unexpected<Error> fail_errno(std::string_view step, std::string_view target = {}) {
  return std::unexpected<Error>(Error::from_errno(step, target));
}

}  // namespace lambent

// Evaluates an expression that gives a std::expected; leaves the function with its error, or binds its value.
//   LAMBENT_TRY(auto file, open_file(path));      LAMBENT_TRY_VOID(write_all(file, bytes));
// The CO_ forms do the same inside a coroutine.
#define LAMBENT_CONCAT_(a, b) a##b
#define LAMBENT_CONCAT(a, b) LAMBENT_CONCAT_(a, b)
#define LAMBENT_TRY_(tmp, declaration, expression, leave)  \
  auto tmp = (expression);                                 \
  if (!tmp) leave std::unexpected(std::move(tmp).error()); \
  declaration = *std::move(tmp)
#define LAMBENT_TRY(declaration, expression) \
  LAMBENT_TRY_(LAMBENT_CONCAT(try_, __LINE__), declaration, expression, return)
#define LAMBENT_CO_TRY(declaration, expression) \
  LAMBENT_TRY_(LAMBENT_CONCAT(try_, __LINE__), declaration, expression, co_return)
#define LAMBENT_TRY_VOID(expression) \
  if (auto try_void = (expression); !try_void) return std::unexpected(std::move(try_void).error())
#define LAMBENT_CO_TRY_VOID(expression) \
  if (auto try_void = (expression); !try_void) co_return std::unexpected(std::move(try_void).error())
