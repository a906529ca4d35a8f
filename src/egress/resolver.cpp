#include "egress/resolver.h"

#include <cerrno>
#include <chrono>

#include "base/fd.h"
#include "base/files.h"
#include "net/connect.h"
#include "net/readiness.h"
#include "net/timer.h"

namespace lambent::egress {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kServers = 3;
constexpr std::chrono::seconds kReadAgain{5};
constexpr std::chrono::milliseconds kPatience[] = {std::chrono::milliseconds(1000), std::chrono::milliseconds(2500)};
constexpr std::size_t kFileBytes = 64UL * 1024;

Error silent() {
  return Error{.step = "ask name server", .code = ETIMEDOUT};
}

// All of `into`; the length of a message over TCP is known before it.
net::Task<Result<>> read_exactly(net::Stream& stream, std::span<char> into) {
  while (!into.empty()) {
    LAMBENT_CO_TRY(const std::size_t n, co_await stream.read_some(into));
    if (n == 0) co_return fail(silent());
    into = into.subspan(n);
  }
  co_return Result<>();
}

std::string_view as_text(const DnsBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::vector<IpAddress> parse_resolv_conf(std::string_view text) {
  std::vector<IpAddress> servers;
  constexpr std::string_view kBlank = " \t\r";
  while (!text.empty() && servers.size() < kServers) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    constexpr std::string_view kKey = "nameserver";
    if (!line.starts_with(kKey) || line.size() == kKey.size() || !kBlank.contains(line[kKey.size()])) continue;
    line.remove_prefix(kKey.size());
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(kBlank)));
    line = line.substr(0, line.find_first_of(kBlank));
    if (const auto server = IpAddress::parse(line)) servers.push_back(*server);
  }
  return servers;
}

void Resolver::refresh() {
  const auto now = clock_.monotonic();
  if (is_fixed_ || (!servers_.empty() && now - read_at_ < kReadAgain)) return;
  read_at_ = now;
  if (const auto text = read_file("/etc/resolv.conf", kFileBytes)) servers_ = parse_resolv_conf(*text);
}

net::Task<Result<DnsBytes>> Resolver::ask(const DnsQuestion& question, bool with_edns) {
  refresh();
  const std::vector<IpAddress> servers = servers_;
  if (servers.empty()) co_return fail(Error::of("ask name server", "", "this host names none"));
  // One at a time is waited for, so the time to wait is shared among them.
  for (const auto patience : kPatience) {
    for (const auto& server : servers) {
      std::array<std::byte, 2> bytes{};
      random_.fill(bytes);
      const auto id =
          static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[0]) << 8U | std::to_integer<unsigned>(bytes[1]));
      const DnsBytes query = build_query(id, question, with_edns);
      auto answer = co_await ask_by_udp(server, question, query, id, patience);
      if (!answer) continue;
      const auto read = parse_answer(*answer, id, question);
      if (!read || !read->is_truncated) co_return answer;
      if (auto whole = co_await ask_by_tcp(server, question, query, id)) co_return whole;
      co_return answer;
    }
  }
  co_return fail(silent());
}

net::Task<Result<DnsBytes>> Resolver::ask_by_udp(IpAddress server, const DnsQuestion& question, const DnsBytes& query,
                                                 std::uint16_t id, std::chrono::milliseconds patience) {
  sockaddr_storage to{};
  const socklen_t length = server.write_to(to, kDnsPort);
  // A socket of its own, connected: the kernel gives it a random port, and only the server can answer on it.
  const UniqueFd socket(::socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return fail_errno("make socket", "query");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), length) != 0) co_return fail_errno("connect");
  if (::send(socket.get(), query.data(), query.size(), 0) < 0) co_return fail_errno("ask name server");
  net::Readiness readiness(loop_, socket.get());
  net::Timer timer(loop_);
  timer.arm(patience, [&readiness] { readiness.cancel(); });
  DnsBytes answer(kDnsBytes);
  while (co_await readiness.readable()) {
    const ssize_t n = ::recv(socket.get(), answer.data(), answer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) co_return fail_errno("ask name server");
    const auto message = std::span(answer).first(static_cast<std::size_t>(n));
    if (!parse_answer(message, id, question)) continue;  // a late one, or a forgery
    answer.resize(message.size());
    co_return answer;
  }
  co_return fail(silent());
}

net::Task<Result<DnsBytes>> Resolver::ask_by_tcp(IpAddress server, const DnsQuestion& question, const DnsBytes& query,
                                                 std::uint16_t id) {
  sockaddr_storage to{};
  const socklen_t length = server.write_to(to, kDnsPort);
  LAMBENT_CO_TRY(net::Stream stream, co_await net::connect_tcp(loop_, to, length, kPatience[1]));
  net::Timer timer(loop_);
  timer.arm(kPatience[1], [&stream] { stream.close(); });
  DnsBytes framed{static_cast<std::uint8_t>(query.size() >> 8U), static_cast<std::uint8_t>(query.size())};
  framed.insert(framed.end(), query.begin(), query.end());
  LAMBENT_CO_TRY_VOID(co_await stream.write_all(as_text(framed)));
  std::array<char, 2> size{};
  LAMBENT_CO_TRY_VOID(co_await read_exactly(stream, size));
  const std::size_t bytes =
      static_cast<std::size_t>(static_cast<std::uint8_t>(size[0])) << 8U | static_cast<std::uint8_t>(size[1]);
  DnsBytes answer(std::min(bytes, kDnsBytes));  // what is beyond is not read: the answer counts as cut off
  LAMBENT_CO_TRY_VOID(co_await read_exactly(stream, std::span(reinterpret_cast<char*>(answer.data()), answer.size())));
  if (!parse_answer(answer, id, question)) co_return fail(silent());
  co_return answer;
}

}  // namespace lambent::egress
