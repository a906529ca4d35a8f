#include "egress/gate_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "egress/decision.h"
#include "net/connect.h"

namespace lambent::egress {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::chrono::seconds kConnectTime{10};
constexpr std::chrono::milliseconds kShortage{50};  // out of descriptors: until others have closed
constexpr std::chrono::seconds kStreamTime{20};     // for the questions of one TCP connection to the name server
constexpr std::size_t kQueries = 64;                // at the same time
constexpr std::size_t kQueryBytes = 1024;           // longer ones are cut off, and then no questions

std::uint16_t port_of(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

// Closes it so that the peer sees a reset.
void reset(net::Loop& loop, UniqueFd accepted) {
  net::Stream(loop, std::move(accepted)).reset();
}

// What a program would have seen of connect(2).
std::string failure_text(const Error& error) {
  return error.code == 0 ? error.message() : std::strerror(error.code);
}

}  // namespace

// A question and where its answer goes.
struct GateServer::Datagram {
  sockaddr_storage from{};
  socklen_t from_length = 0;
  IpAddress to;
  std::uint16_t port = 0;
  DnsBytes bytes;
};

// One of the instance's connections, and of all instances'.
class GateServer::Place {
 public:
  explicit Place(GateServer& gate) : gate_(gate) {
    ++gate_.connections_;
    ++gate_.outside_.connections;
  }
  ~Place() {
    --gate_.connections_;
    --gate_.outside_.connections;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  GateServer& gate_;
};

GateServer::GateServer(Outside& outside, NetworkPolicy policy, Sockets sockets, std::function<void(const Notice&)> tell)
    : outside_(outside),
      policy_(std::move(policy)),
      sockets_(std::move(sockets)),
      notices_(outside.loop, outside.clock, std::move(tell)),
      names_(outside, policy_, learned_, notices_),
      new_connections_(outside.limits.connections_per_second, 2.0 * outside.limits.connections_per_second,
                       outside.clock.monotonic()),
      new_queries_(outside.limits.queries_per_second, 2.0 * outside.limits.queries_per_second,
                   outside.clock.monotonic()),
      tcp_ready_(outside.loop, sockets_.tcp.get()),
      udp_ready_(outside.loop, sockets_.udp.get()),
      tcp_pause_(outside.loop),
      udp_pause_(outside.loop) {}

std::shared_ptr<GateServer> GateServer::start(Outside& outside, NetworkPolicy policy, Sockets sockets,
                                              std::function<void(const Notice&)> tell) {
  auto gate = std::make_shared<GateServer>(outside, std::move(policy), std::move(sockets), std::move(tell));
  outside.scope.spawn(accept_all(gate));
  outside.scope.spawn(receive_all(gate));
  return gate;
}

void GateServer::close() {
  if (is_closed_) return;
  notices_.tell_left_out();
  is_closed_ = true;
  tcp_ready_.cancel();
  udp_ready_.cancel();
  tcp_pause_.cancel();
  udp_pause_.cancel();
  for (Relay* relay : std::unordered_set(relays_)) relay->reset();
}

net::Task<> GateServer::accept_all(Self self) {
  while (!self->is_closed_) {
    if (!self->new_connections_.take(self->outside_.clock.monotonic())) {
      std::ignore = co_await self->tcp_pause_.sleep(self->new_connections_.wait());
      continue;
    }
    for (bool taken = false; !taken && !self->is_closed_;) {
      UniqueFd accepted(accept4(self->sockets_.tcp.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (accepted) {
        taken = true;
        self->take(std::move(accepted));
      } else if (errno == EAGAIN) {
        std::ignore = co_await self->tcp_ready_.readable();
      } else {
        std::ignore = co_await self->tcp_pause_.sleep(kShortage);
      }
    }
  }
}

void GateServer::take(UniqueFd accepted) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  // The connection's own name is the address that the program connected to.
  if (getsockname(accepted.get(), reinterpret_cast<sockaddr*>(&name), &length) != 0) return;
  const auto to = IpAddress::of(name);
  const std::uint16_t port = port_of(name);
  if (connections_ >= most_connections(outside_.limits.connections, outside_.connections)) {
    notices_.refused(to.text(port), fmt::format("{} connections are open already", connections_));
    return reset(outside_.loop, std::move(accepted));
  }
  if (to == sockets_.name_server && port == kDnsPort) {
    return outside_.scope.spawn(answer_stream(shared_from_this(), std::move(accepted)));
  }
  if (const char* why =
          why_refused(policy_, outside_.denied, learned_, outside_.routes, to, outside_.clock.monotonic())) {
    notices_.refused(to.text(port), why);
    return reset(outside_.loop, std::move(accepted));
  }
  outside_.scope.spawn(carry(shared_from_this(), std::move(accepted), to, port));
}

net::Task<> GateServer::carry(Self self, UniqueFd accepted, IpAddress to, std::uint16_t port) {
  const Place place(*self);
  auto& outside = self->outside_;
  net::Stream inside(outside.loop, std::move(accepted));
  sockaddr_storage address{};
  const socklen_t length = to.write_to(address, port);
  auto connected = co_await net::connect_tcp(outside.loop, address, length, kConnectTime);
  if (!connected) self->notices_.failed(to.text(port), failure_text(connected.error()));
  if (!connected || self->is_closed_) {
    inside.reset();
    co_return;
  }
  Relay relay(outside.loop, outside.clock, std::move(inside), *std::move(connected), outside.limits.idle_timeout);
  self->relays_.insert(&relay);
  co_await relay.run();
  self->relays_.erase(&relay);
}

// Questions with their length in front, one after the other (RFC 7766).
net::Task<> GateServer::answer_stream(Self self, UniqueFd accepted) {
  const Place place(*self);
  net::Stream stream(self->outside_.loop, std::move(accepted));
  net::Timer timer(self->outside_.loop);
  timer.arm(kStreamTime, [&stream] { stream.close(); });
  std::vector<char> in;
  std::array<char, kQueryBytes> piece{};
  while (!self->is_closed_) {
    const std::size_t length = in.size() < 2 ? 0
                                             : static_cast<std::size_t>(static_cast<std::uint8_t>(in[0])) << 8U |
                                                   static_cast<std::uint8_t>(in[1]);
    if (length > kQueryBytes) co_return;
    if (in.size() < 2 || in.size() < 2 + length) {
      const auto n = co_await stream.read_some(piece);
      if (!n || *n == 0) co_return;
      in.insert(in.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*n));
      continue;
    }
    DnsBytes question(in.begin() + 2, in.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    in.erase(in.begin(), in.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    if (!self->new_queries_.take(self->outside_.clock.monotonic())) co_return;
    const auto answer = co_await self->names_.answer(std::move(question), false);
    if (!answer) co_return;
    const std::array<char, 2> size{static_cast<char>(answer->size() >> 8U), static_cast<char>(answer->size())};
    const std::string_view body(reinterpret_cast<const char*>(answer->data()), answer->size());
    if (!co_await stream.write_all({size.data(), size.size()}, body)) co_return;
  }
}

net::Task<> GateServer::receive_all(Self self) {
  while (co_await self->udp_ready_.readable()) {
    if (self->new_queries_.take(self->outside_.clock.monotonic())) {
      self->take_datagram();
    } else {
      std::ignore = co_await self->udp_pause_.sleep(self->new_queries_.wait());
    }
  }
}

void GateServer::take_datagram() {
  auto datagram = std::make_unique<Datagram>();
  datagram->bytes.resize(kQueryBytes);
  iovec part{datagram->bytes.data(), datagram->bytes.size()};
  alignas(cmsghdr) std::array<char, 256> control{};
  msghdr message{};
  message.msg_name = &datagram->from;
  message.msg_namelen = sizeof datagram->from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = recvmsg(sockets_.udp.get(), &message, MSG_DONTWAIT);
  if (n < 0) return;
  datagram->from_length = message.msg_namelen;
  datagram->bytes.resize(static_cast<std::size_t>(n));
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    const bool is_v4 = c->cmsg_level == SOL_IP && c->cmsg_type == IP_ORIGDSTADDR;
    const bool is_v6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR;
    if (!is_v4 && !is_v6) continue;
    sockaddr_storage original{};
    std::memcpy(&original, CMSG_DATA(c), is_v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    datagram->to = IpAddress::of(original);
    datagram->port = port_of(original);
  }
  if (datagram->to != sockets_.name_server || datagram->port != kDnsPort) {
    return notices_.refused(datagram->to.text(datagram->port), "UDP; only TCP leaves");
  }
  // One too many is dropped, as by a busy name server.
  if (queries_ < kQueries) outside_.scope.spawn(answer_datagram(shared_from_this(), std::move(datagram)));
}

net::Task<> GateServer::answer_datagram(Self self, std::unique_ptr<Datagram> datagram) {
  ++self->queries_;
  const auto answer = co_await self->names_.answer(std::move(datagram->bytes), true);
  --self->queries_;
  if (answer && !self->is_closed_) self->send_answer(*datagram, *answer);
}

// From the address that was asked: the socket belongs to all addresses.
void GateServer::send_answer(const Datagram& to, const DnsBytes& answer) {
  iovec part{const_cast<std::uint8_t*>(answer.data()), answer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  msghdr message{};
  message.msg_name = const_cast<sockaddr_storage*>(&to.from);
  message.msg_namelen = to.from_length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  cmsghdr* c = reinterpret_cast<cmsghdr*>(control.data());
  if (to.from.ss_family == AF_INET6) {
    in6_pktinfo source{};
    std::memcpy(&source.ipi6_addr, to.to.full().data(), to.to.full().size());
    *c = {.cmsg_len = CMSG_LEN(sizeof source), .cmsg_level = SOL_IPV6, .cmsg_type = IPV6_PKTINFO};
    std::memcpy(CMSG_DATA(c), &source, sizeof source);
    message.msg_controllen = CMSG_SPACE(sizeof source);
  } else {
    in_pktinfo source{};
    std::memcpy(&source.ipi_spec_dst, to.to.bytes().data(), to.to.bytes().size());
    *c = {.cmsg_len = CMSG_LEN(sizeof source), .cmsg_level = SOL_IP, .cmsg_type = IP_PKTINFO};
    std::memcpy(CMSG_DATA(c), &source, sizeof source);
    message.msg_controllen = CMSG_SPACE(sizeof source);
  }
  // A function that does not read loses its answers, as with every datagram.
  std::ignore = sendmsg(sockets_.udp.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace lambent::egress
