#include "runtime_api/session.h"

#include <fmt/format.h>

namespace lambent::runtime_api {

Answer too_large_answer(std::size_t limit) {
  return {.is_error = true,
          .body = fmt::format(R"({{"errorMessage":"Response payload size exceeded maximum allowed payload size ({} )"
                              R"(bytes).","errorType":"{}"}})",
                              limit, kResponseTooLarge),
          .content_type = "application/json",
          .error_type = std::string(kResponseTooLarge)};
}

}  // namespace lambent::runtime_api
