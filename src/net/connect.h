// Outgoing TCP connections.
#pragma once

#include <sys/socket.h>

#include <chrono>

#include "base/error.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/task.h"

namespace lambent::net {

// Connects to a sockaddr_in or sockaddr_in6. ETIMEDOUT after `timeout`; otherwise the code that connect(2) gave.
Task<Result<Stream>> connect_tcp(Loop& loop, sockaddr_storage to, socklen_t length, std::chrono::nanoseconds timeout);

}  // namespace lambent::net
