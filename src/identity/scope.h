// What a SigV4 signature is bound to beside the request: a day, a region and a service.
#pragma once

#include <string_view>

namespace lambent::identity {

// <date>/<region>/<service>/aws4_request. Views only.
struct Scope {
  std::string_view date;  // "20261123"
  std::string_view region;
  std::string_view service;
};

}  // namespace lambent::identity
