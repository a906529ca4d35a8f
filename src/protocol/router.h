// Which operation a request is for.
#pragma once

#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/http.h"
#include "protocol/model.h"
#include "protocol/service_error.h"

namespace lambent::protocol {

// A label of a REST path and what stands in its place, still percent-encoded; a greedy label holds slashes.
struct BoundLabel {
  std::string_view name;
  std::string_view value;
};

struct RestMatch {
  std::size_t operation;
  std::vector<BoundLabel> labels;
};

// By method, path and query literals. A slash at the end does not matter, an empty segment elsewhere matches nothing.
std::optional<RestMatch> match_rest(const ServiceModel& service, std::string_view method, std::string_view path,
                                    std::string_view query);

}  // namespace lambent::protocol
