#include "egress/refusal_reader.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "egress/refused_packet.h"

namespace lambent::egress {
namespace {

constexpr std::size_t kMessageBytes = 2048;  // longer ones than the gate asks the kernel for
constexpr int kAtOnce = 512;                 // more than the socket holds
constexpr std::chrono::seconds kOneLookUp{1};
constexpr const char* kWhy = "not in its network policy";

}  // namespace

RefusalReader::RefusalReader(Outside& outside, UniqueFd refusals, const IpAddress& name_server,
                             std::function<void(const Notice&)> tell)
    : clock_(outside.clock),
      refusals_(std::move(refusals)),
      name_server_(name_server),
      notices_(outside.loop, outside.clock, std::move(tell)),
      ready_(outside.loop, refusals_.get()),
      pause_(outside.loop) {}

std::shared_ptr<RefusalReader> RefusalReader::start(Outside& outside, UniqueFd refusals, const IpAddress& name_server,
                                                    std::function<void(const Notice&)> tell) {
  auto reader = std::make_shared<RefusalReader>(outside, std::move(refusals), name_server, std::move(tell));
  outside.scope.spawn(read_all(reader));
  return reader;
}

void RefusalReader::close() {
  if (is_closed_) return;
  drain();
  notices_.tell_left_out();
  is_closed_ = true;
  ready_.cancel();
  pause_.cancel();
}

net::Task<> RefusalReader::read_all(Self self) {
  while (!self->is_closed_ && co_await self->ready_.readable()) {
    if (self->is_closed_) co_return;
    self->drain();
    std::ignore = co_await self->pause_.sleep(kPause);
  }
}

void RefusalReader::drain() {
  std::array<std::uint8_t, kMessageBytes> message{};
  for (int i = 0; i < kAtOnce; ++i) {
    const ssize_t n = recv(refusals_.get(), message.data(), message.size(), MSG_DONTWAIT);
    if (n < 0 && errno == ENOBUFS) continue;  // some found no room: their numbers are missing
    if (n <= 0) return;
    take(std::span(message).first(static_cast<std::size_t>(n)));
  }
}

void RefusalReader::take(std::span<const std::uint8_t> message) {
  auto packet = parse_refused_packet(message, name_server_);
  if (!packet) return;
  notices_.leave_out(packet->number - next_number_);
  next_number_ = packet->number + 1;
  if (packet->target.starts_with("the name ")) {
    const Monotonic now = clock_.monotonic();
    if (packet->target == last_name_ && now - last_name_at_ < kOneLookUp) return;
    last_name_ = packet->target;
    last_name_at_ = now;
  }
  notices_.refused(std::move(packet->target), kWhy);
}

}  // namespace lambent::egress
