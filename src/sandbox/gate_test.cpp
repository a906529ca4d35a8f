#include "sandbox/gate.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>

#include "sandbox/capabilities.h"
#include "sandbox/network.h"

namespace lambent::sandbox {
namespace {

constexpr std::uint16_t kPlatformPort = 4566;

// Runs `body` in a child with a network namespace of its own; gives what it returned, or why it could not.
std::string in_own_network(const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return "pipe";
  const pid_t pid = fork();
  if (pid == 0) {
    const bool alone = unshare(CLONE_NEWNET | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) == 0;
    const std::string outcome = alone ? body() : std::string("unshare: ") + std::strerror(errno);
    static_cast<void>(!write(ends[1], outcome.data(), outcome.size()));
    _exit(0);
  }
  close(ends[1]);
  std::string outcome;
  std::array<char, 512> piece{};
  for (ssize_t n = read(ends[0], piece.data(), piece.size()); n > 0; n = read(ends[0], piece.data(), piece.size())) {
    outcome.append(piece.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  waitpid(pid, nullptr, 0);
  return outcome;
}

struct Target {
  sockaddr_storage address{};
  socklen_t length = 0;
  Target(const char* text, std::uint16_t port) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
      length = sizeof *v4;
    } else {
      inet_pton(AF_INET6, text, &v6->sin6_addr);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
      length = sizeof *v6;
    }
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

std::string text_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return std::string(text.data()) + "|" + std::to_string(ntohs(v6->sin6_port));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
  inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  return std::string(text.data()) + "|" + std::to_string(ntohs(v4->sin_port));
}

bool is_readable(int socket) {
  pollfd wait{socket, POLLIN, 0};
  return poll(&wait, 1, 1000) == 1;
}

// Connects from inside, and tells where the gate's side says that the connection was for.
std::string tcp_destination(const Gate& gate, const char* address, std::uint16_t port) {
  const Target target(address, port);
  const UniqueFd client(socket(target.address.ss_family, SOCK_STREAM, 0));
  if (connect(client.get(), target.get(), target.length) != 0) return std::string("connect: ") + std::strerror(errno);
  if (!is_readable(gate.tcp.get())) return "nothing came";
  const UniqueFd accepted(accept(gate.tcp.get(), nullptr, nullptr));
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (getsockname(accepted.get(), reinterpret_cast<sockaddr*>(&name), &length) != 0) return "getsockname";
  char byte = 0;
  if (send(accepted.get(), "x", 1, 0) != 1 || recv(client.get(), &byte, 1, 0) != 1) return "no way back";
  return text_of(name);
}

std::string udp_destination(const Gate& gate, const char* address, std::uint16_t port) {
  const Target target(address, port);
  const UniqueFd client(socket(target.address.ss_family, SOCK_DGRAM, 0));
  if (sendto(client.get(), "x", 1, 0, target.get(), target.length) != 1) {
    return std::string("sendto: ") + std::strerror(errno);
  }
  if (!is_readable(gate.udp.get())) return "nothing came";
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, 256> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(gate.udp.get(), &message, 0) != 1) return "recvmsg";
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    const bool is_v4 = c->cmsg_level == SOL_IP && c->cmsg_type == IP_ORIGDSTADDR;
    const bool is_v6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR;
    if (!is_v4 && !is_v6) continue;
    sockaddr_storage original{};
    std::memcpy(&original, CMSG_DATA(c), is_v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    return text_of(original);
  }
  return "no destination";
}

TEST(Gate, GetsEveryConnectionAndDatagramWithItsDestination) {
  const std::string outcome = in_own_network([]() -> std::string {
    if (const auto raised = raise_loopback(); !raised) return raised.error().message();
    const auto gate = make_gate(kPlatformPort, true);
    if (!gate) return gate.error().message();
    std::string all;
    for (const char* address : {"1.2.3.4", "10.0.0.1", "169.254.169.254", "255.1.1.1", "2001:db8::1", "::ffff:8.8.8.8",
                                "64:ff9b::7f00:1", "fd00::1", kGateNameServer}) {
      all += tcp_destination(*gate, address, 443) + " ";
    }
    all += "/ ";
    for (const char* address : {"1.2.3.4", "2001:db8::1", kGateNameServer}) {
      all += udp_destination(*gate, address, 53) + " ";
    }
    return all;
  });
  EXPECT_EQ(outcome,
            "::ffff:1.2.3.4|443 ::ffff:10.0.0.1|443 ::ffff:169.254.169.254|443 ::ffff:255.1.1.1|443 2001:db8::1|443 "
            "::ffff:8.8.8.8|443 64:ff9b::7f00:1|443 fd00::1|443 ::ffff:169.254.78.1|443 "
            "/ 1.2.3.4|53 2001:db8::1|53 169.254.78.1|53 ");
}

// Asks from an address that it chose itself, and gives what came back.
std::string answer_of_name_server(const Gate& gate, const char* from) {
  const Target own(from, 5353);
  const Target server(kGateNameServer, 53);
  const UniqueFd client(socket(AF_INET, SOCK_DGRAM, 0));
  char byte = 0;
  if (bind(client.get(), own.get(), own.length) != 0) return "bind";
  if (sendto(client.get(), "q", 1, 0, server.get(), server.length) != 1) return "sendto";
  sockaddr_storage asker{};
  socklen_t length = sizeof asker;
  if (recvfrom(gate.udp.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&asker), &length) != 1) return "recvfrom";
  if (sendto(gate.udp.get(), "a", 1, 0, reinterpret_cast<sockaddr*>(&asker), length) != 1) return "no way back";
  if (!is_readable(client.get()) || recv(client.get(), &byte, 1, 0) != 1) return "nothing came";
  return {byte};
}

TEST(Gate, AnswersOfItsNameServerArrive) {
  const std::string outcome = in_own_network([]() -> std::string {
    if (const auto raised = raise_loopback(); !raised) return raised.error().message();
    const auto gate = make_gate(kPlatformPort, true);
    if (!gate) return gate.error().message();
    return answer_of_name_server(*gate, kGateOwnAddress) + answer_of_name_server(*gate, "8.8.8.8");
  });
  EXPECT_EQ(outcome, "aa");
}

TEST(Gate, LeavesTheLoopbackNetworkToThePrograms) {
  const std::string outcome = in_own_network([]() -> std::string {
    if (const auto raised = raise_loopback(); !raised) return raised.error().message();
    const auto gate = make_gate(kPlatformPort, true);
    if (!gate) return gate.error().message();
    const auto own = listen_on_loopback(8080);
    if (!own) return own.error().message();
    const Target target("127.0.0.1", 8080);
    const UniqueFd client(socket(AF_INET, SOCK_STREAM, 0));
    if (connect(client.get(), target.get(), target.length) != 0) return std::strerror(errno);
    if (!is_readable(own->get())) return "nothing came";
    const Target nobody("127.0.0.1", 8081);
    const UniqueFd refused(socket(AF_INET, SOCK_STREAM, 0));
    return connect(refused.get(), nobody.get(), nobody.length) == 0 ? "connected to nobody" : std::strerror(errno);
  });
  EXPECT_EQ(outcome, "Connection refused");
}

// What connect(2), or a datagram and its answer, come to.
std::string attempt(int type, const char* address, std::uint16_t port) {
  const Target target(address, port);
  const UniqueFd client(socket(target.address.ss_family, type, 0));
  const timeval patience{2, 0};
  setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char byte = 0;
  if (connect(client.get(), target.get(), target.length) != 0) return std::strerror(errno);
  if (type == SOCK_STREAM) return "connected";
  if (send(client.get(), "x", 1, 0) != 1) return std::strerror(errno);
  return recv(client.get(), &byte, 1, 0) == 1 ? "answered" : std::strerror(errno);
}

int records_of(const Gate& gate) {
  int records = 0;
  std::array<char, 4096> record{};
  while (recv(gate.refusals.get(), record.data(), record.size(), 0) > 0) ++records;
  return records;
}

// Both kinds to both families, each refused and told.
std::string refusals_of(const Gate& gate) {
  std::string all;
  for (const char* address : {"1.2.3.4", "169.254.169.254", "2001:db8::1", kGateOwnAddress, kGateNameServer}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      const std::string outcome = attempt(type, address, 53);
      if (outcome != "Connection refused") all += std::string(address) + ": " + outcome + "; ";
    }
  }
  return all + std::to_string(records_of(gate)) + " told";
}

TEST(Gate, RefusesAndTellsWhatItHasNoSocketsFor) {
  const std::string outcome = in_own_network([]() -> std::string {
    if (const auto raised = raise_loopback(); !raised) return raised.error().message();
    const auto gate = make_gate(kPlatformPort, false);
    if (!gate) return gate.error().message();
    // What a program listens on itself is not what such an address leads to.
    const UniqueFd own(socket(AF_INET, SOCK_STREAM, 0));
    const Target any("0.0.0.0", 8080);
    if (bind(own.get(), any.get(), any.length) != 0 || listen(own.get(), 1) != 0) return "listen";
    return refusals_of(*gate) + ", " + attempt(SOCK_STREAM, "8.8.8.8", 8080) + ", " +
           attempt(SOCK_STREAM, "127.0.0.1", 8080) + ", " + attempt(SOCK_STREAM, "::1", 8080) + ", " +
           std::to_string(records_of(*gate)) + " told";
  });
  EXPECT_EQ(outcome, "10 told, Connection refused, connected, Connection refused, 1 told");
}

TEST(Gate, RefusesAndTellsOnceItsSocketsAreClosed) {
  const std::string outcome = in_own_network([]() -> std::string {
    if (const auto raised = raise_loopback(); !raised) return raised.error().message();
    auto gate = make_gate(kPlatformPort, true);
    if (!gate) return gate.error().message();
    const std::string before =
        attempt(SOCK_STREAM, "1.2.3.4", 80) + ", " + std::to_string(records_of(*gate)) + " told; ";
    gate->tcp.reset();
    gate->udp.reset();
    return before + refusals_of(*gate);
  });
  EXPECT_EQ(outcome, "connected, 0 told; 10 told");
}

TEST(Gate, RefusesAndTellsThePlatformsPortWhereItsListenerIsClosed) {
  const std::string outcome = in_own_network([]() -> std::string {
    if (const auto raised = raise_loopback(); !raised) return raised.error().message();
    const auto gate = make_gate(kPlatformPort, false);
    if (!gate) return gate.error().message();
    auto platform = listen_on_loopback(kPlatformPort, true);
    if (!platform) return platform.error().message();
    const std::string open = attempt(SOCK_STREAM, "127.0.0.1", kPlatformPort);
    platform->reset();
    const std::string closed = attempt(SOCK_STREAM, "127.0.0.1", kPlatformPort);
    return open + ", " + closed + ", " + std::to_string(records_of(*gate)) + " told";
  });
  EXPECT_EQ(outcome, "connected, Connection refused, 1 told");
}

TEST(Gate, CountsWhatItHasNoRoomToTell) {
  const std::string outcome = in_own_network([]() -> std::string {
    if (const auto raised = raise_loopback(); !raised) return raised.error().message();
    const auto gate = make_gate(kPlatformPort, false);
    if (!gate) return gate.error().message();
    const UniqueFd flood(socket(AF_INET, SOCK_DGRAM, 0));
    const Target target("1.2.3.4", 9);
    for (int i = 0; i < 2000; ++i) sendto(flood.get(), "x", 1, 0, target.get(), target.length);
    const int kept = records_of(*gate);
    return kept > 20 && kept < 500 ? "bounded" : std::to_string(kept);
  });
  EXPECT_EQ(outcome, "bounded");
}

TEST(Gate, NamesTheStepThatAHostRefuses) {
  const std::string outcome = in_own_network([]() -> std::string {
    if (const auto raised = raise_loopback(); !raised) return raised.error().message();
    if (const auto dropped = drop_all_capabilities(); !dropped) return dropped.error().message();
    const auto gate = make_gate(kPlatformPort, true);
    return gate ? "made" : gate.error().message();
  });
  EXPECT_EQ(outcome, "route everything to the gate: Operation not permitted");
}

}  // namespace
}  // namespace lambent::sandbox
