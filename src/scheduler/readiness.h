// How far the instances that are to be kept ready are.
#pragma once

#include <cstddef>
#include <string>

namespace lambent::scheduler {

struct Readiness {
  std::size_t wanted = 0;
  std::size_t allocated = 0;  // initialized, at most `wanted`
  std::size_t available = 0;  // of these, without a call
  bool failed = false;        // the last INIT failed; it is tried again later
};

}  // namespace lambent::scheduler
