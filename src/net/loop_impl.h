// Asio, for net/*.cpp only.
#pragma once

#include <boost/asio/io_context.hpp>

#include "net/loop.h"

namespace lambent::net {

namespace asio = boost::asio;

struct Loop::Impl {
  // One thread only: Asio leaves out its locks on the loop's own operations.
  asio::io_context io{1};
};

}  // namespace lambent::net
