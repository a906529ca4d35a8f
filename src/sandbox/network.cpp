#include "sandbox/network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

namespace lambent::sandbox {

Result<> raise_loopback() {
  const UniqueFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any) return fail_errno("socket", "loopback");
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) return fail_errno("ioctl", "SIOCSIFFLAGS lo");
  return {};
}

Result<UniqueFd> listen_on_loopback(std::uint16_t port, bool is_transparent) {
  const std::string where = "127.0.0.1:" + std::to_string(port);
  UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return fail_errno("socket", where);
  const int on = 1;
  if (is_transparent && setsockopt(listener.get(), SOL_IP, IP_TRANSPARENT, &on, sizeof on) != 0) {
    return fail_errno("setsockopt", "IP_TRANSPARENT");
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("bind", where);
  }
  if (listen(listener.get(), 128) != 0) return fail_errno("listen", where);
  return listener;
}

}  // namespace lambent::sandbox
