// Limits of invocation that only the modules above catalog know. AWS's values are the defaults; each can be configured
// (main/config.h). Source: the Lambda developer guide (quotas, concurrency, asynchronous invocation, recursive loops).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lambent {

struct CallLimits {
  std::uint32_t unreserved_concurrency = 100;     // of the account's concurrency, kept from reservation
  std::uint32_t async_concurrency = 500;          // ours: asynchronous calls among them, so that others find a place
  std::uint32_t recursion_depth = 16;             // calls of one function in one chain of requests
  std::chrono::milliseconds first_retry{60'000};  // wait before an asynchronous call's second attempt
  std::chrono::milliseconds second_retry{120'000};
  std::uint32_t layers = 5;                                     // of one function
  std::uint32_t filters = 5;                                    // of one event source mapping
  std::size_t policy_bytes = 20 * 1024;                         // resource policy of one function, version or alias
  std::size_t streamed_bytes = std::size_t{200} * 1024 * 1024;  // of one streamed answer
};

}  // namespace lambent
