#include "egress/host_route.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace lambent::egress {
namespace {

struct Question {
  nlmsghdr header;
  rtmsg route;
  nlattr destination;
  std::array<std::uint8_t, 16> address;
};

Question question_for(const IpAddress& address) {
  const auto bytes = address.bytes();
  Question question{};
  question.header.nlmsg_type = RTM_GETROUTE;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.header.nlmsg_len = static_cast<std::uint32_t>(offsetof(Question, address) + bytes.size());
  question.route.rtm_family = address.is_v4() ? AF_INET : AF_INET6;
  question.route.rtm_dst_len = static_cast<std::uint8_t>(bytes.size() * 8);
  question.destination = {static_cast<std::uint16_t>(NLA_HDRLEN + bytes.size()), RTA_DST};
  std::ranges::copy(bytes, question.address.begin());
  return question;
}

}  // namespace

Result<KernelRoutes> KernelRoutes::open() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return fail_errno("socket", "netlink");
  return KernelRoutes(std::move(socket));
}

HostRoute KernelRoutes::to(const IpAddress& address) {
  const Question question = question_for(address);
  if (send(socket_.get(), &question, question.header.nlmsg_len, 0) < 0) return HostRoute::own;
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  ssize_t length = -1;
  do {
    length = recv(socket_.get(), answer.data(), answer.size(), 0);
  } while (length < 0 && errno == EINTR);
  nlmsghdr header{};
  if (length < static_cast<ssize_t>(sizeof header)) return HostRoute::own;
  std::memcpy(&header, answer.data(), sizeof header);
  // An error is the answer where no route leads there.
  if (header.nlmsg_type == NLMSG_ERROR) return HostRoute::none;
  if (header.nlmsg_type != RTM_NEWROUTE || length < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(rtmsg)))) {
    return HostRoute::own;
  }
  rtmsg route{};
  std::memcpy(&route, answer.data() + NLMSG_HDRLEN, sizeof route);
  if (route.rtm_type == RTN_UNICAST) return HostRoute::away;
  const bool is_dead_end =
      route.rtm_type == RTN_UNREACHABLE || route.rtm_type == RTN_BLACKHOLE || route.rtm_type == RTN_PROHIBIT;
  return is_dead_end ? HostRoute::none : HostRoute::own;
}

}  // namespace lambent::egress
