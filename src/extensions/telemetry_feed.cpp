#include "extensions/telemetry_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/json_text.h"
#include "base/time_format.h"

namespace lambent::extensions {
namespace {

constexpr int kAttempts = 3;
constexpr std::chrono::milliseconds kPause{100};
constexpr std::size_t kAnswerBytes = std::size_t{64} * 1024;

}  // namespace

std::string telemetry_event(Wall time, std::string_view type, std::string_view record) {
  return fmt::format(R"({{"time":"{}","type":"{}","record":{}}})", format_iso_millis(time), type, record);
}

TelemetrySubscriber::TelemetrySubscriber(net::Loop& loop, const Clock& clock, std::string name,
                                         Subscription subscription, ConnectInside connect)
    : loop_(loop),
      clock_(clock),
      name_(std::move(name)),
      subscription_(std::move(subscription)),
      connect_(std::move(connect)),
      due_(loop),
      pause_(loop) {
  scope_.spawn(send_batches());
}

bool TelemetrySubscriber::wants(TelemetryKind kind) const {
  switch (kind) {
    case TelemetryKind::platform:
      return subscription_.platform;
    case TelemetryKind::function:
      return subscription_.function;
    case TelemetryKind::extension:
      return subscription_.extension;
  }
  return false;
}

// One event may be more than a batch: then it is one by itself.
void TelemetrySubscriber::add(std::string_view event) {
  if (is_stopped_) return;
  const bool has_room = batch_.items == 0 || (batch_.items < subscription_.max_items &&
                                              batch_.text.size() + event.size() <= subscription_.max_bytes);
  if (!has_room) {
    dropped_items_++;
    dropped_bytes_ += event.size();
    return;
  }
  append(event);
  if (batch_.items >= subscription_.max_items || batch_.text.size() >= subscription_.max_bytes) {
    flush();
  } else if (!due_.armed() && !is_due_) {
    due_.arm(subscription_.timeout, [this] { flush(); });
  }
}

void TelemetrySubscriber::append(std::string_view event) {
  if (subscription_.is_http) {
    batch_.text += batch_.items == 0 ? '[' : ',';
    batch_.text += event;
  } else {
    batch_.text += event;
    batch_.text += '\n';
  }
  batch_.items++;
}

void TelemetrySubscriber::flush() {
  if (batch_.items == 0 || is_stopped_) return;
  due_.cancel();
  is_due_ = true;
  wake();
}

void TelemetrySubscriber::wake() {
  if (idle_) std::exchange(idle_, std::nullopt)->set(true);
}

void TelemetrySubscriber::tell_dropped() {
  if (dropped_items_ == 0) return;
  const std::string record =
      fmt::format(R"({{"droppedBytes":{},"droppedRecords":{},"reason":"The subscriber takes less than there is"}})",
                  std::exchange(dropped_bytes_, 0), std::exchange(dropped_items_, 0));
  append(telemetry_event(clock_.wall(), "platform.logsDropped", record));
}

net::Task<> TelemetrySubscriber::send_batches() {
  while (!is_stopped_) {
    if (!is_due_) {
      const net::OneShot<bool> woken;
      idle_ = woken;
      std::ignore = co_await woken;
      continue;
    }
    is_due_ = false;
    const Batch batch = std::exchange(batch_, {});
    is_sending_ = true;
    const bool is_taken = co_await send(batch);
    is_sending_ = false;
    if (!is_taken) {
      dropped_items_ += batch.items;
      dropped_bytes_ += batch.text.size();
    } else if (dropped_items_ > 0) {
      tell_dropped();
      if (!due_.armed() && !is_due_) due_.arm(subscription_.timeout, [this] { flush(); });
    }
  }
}

net::Task<bool> TelemetrySubscriber::send(const Batch& batch) {
  for (int attempt = 0; attempt < kAttempts && !is_stopped_; ++attempt) {
    if (attempt > 0) std::ignore = co_await pause_.sleep(kPause * attempt);
    if (is_stopped_) break;
    const bool is_taken = subscription_.is_http ? co_await post(batch) : co_await stream(batch);
    if (is_taken) co_return true;
  }
  co_return false;
}

net::Task<bool> TelemetrySubscriber::post(const Batch& batch) {
  auto socket = co_await connect_(subscription_.port);
  if (!socket || is_stopped_) co_return false;
  http_ = std::make_unique<edge::ClientConnection>(net::Stream(loop_, *std::move(socket)));
  edge::ClientRequest request;
  request.method = "POST";
  request.target = subscription_.path;
  request.headers.add("Host", subscription_.authority);
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Connection", "close");
  request.body = batch.text + "]";
  const auto answer = co_await http_->exchange(request, kAnswerBytes);
  http_.reset();
  co_return answer && answer->status >= 200 && answer->status < 300;
}

net::Task<bool> TelemetrySubscriber::stream(const Batch& batch) {
  if (!tcp_ || tcp_->peer_gone()) {
    tcp_.reset();
    auto socket = co_await connect_(subscription_.port);
    if (!socket || is_stopped_) co_return false;
    tcp_.emplace(loop_, *std::move(socket));
  }
  const auto written = co_await tcp_->write_all(batch.text);
  if (!written) tcp_.reset();
  co_return written.has_value();
}

void TelemetrySubscriber::stop() {
  if (std::exchange(is_stopped_, true)) return;
  due_.cancel();
  pause_.cancel();
  batch_ = {};
  if (http_) http_->close();
  if (tcp_) tcp_->close();
  wake();
}

net::Task<> TelemetrySubscriber::stopped() {
  stop();
  co_await scope_.join();
}

bool TelemetryFeed::subscribe(const std::string& name, Subscription subscription, ConnectInside connect) {
  const auto older = std::ranges::find(subscribers_, name, &TelemetrySubscriber::name);
  if (older != subscribers_.end() && replaced_.size() >= kMostReplaced) return false;
  if (older != subscribers_.end()) {
    older->stop();
    replaced_.splice(replaced_.end(), subscribers_, older);
  }
  auto& added = subscribers_.emplace_back(loop_, clock_, name, std::move(subscription), std::move(connect));
  for (const Early& event : early_) {
    const auto& text = added.subscription().api == TelemetryApi::logs ? event.logs : event.telemetry;
    if (added.wants(event.kind) && !text.empty()) added.add(text);
  }
  return true;
}

void TelemetryFeed::forget_early() {
  keeps_early_ = false;
  early_ = {};
}

void TelemetryFeed::platform(std::string_view type, std::string_view record, std::string_view logs_type) {
  if (!is_wanted()) return;
  const Wall now = clock_.wall();
  Early event{TelemetryKind::platform, {}, {}};
  if (!type.empty()) event.telemetry = telemetry_event(now, type, record);
  if (!logs_type.empty()) event.logs = telemetry_event(now, logs_type, record);
  publish(std::move(event));
}

void TelemetryFeed::line(TelemetryKind kind, std::string_view text) {
  if (!is_wanted()) return;
  const std::string_view type = kind == TelemetryKind::function ? "function" : "extension";
  std::string event = telemetry_event(clock_.wall(), type, json_string(text));
  publish({kind, event, event});
}

void TelemetryFeed::publish(Early event) {
  for (auto& each : subscribers_) {
    const auto& text = each.subscription().api == TelemetryApi::logs ? event.logs : event.telemetry;
    if (each.wants(event.kind) && !text.empty()) each.add(text);
  }
  const std::size_t bytes = event.telemetry.size() + event.logs.size();
  if (!keeps_early_ || early_bytes_ + bytes > kEarlyBytes) return;
  early_bytes_ += bytes;
  early_.push_back(std::move(event));
}

void TelemetryFeed::flush() {
  for (auto& each : subscribers_) each.flush();
}

bool TelemetryFeed::is_idle() const {
  return std::ranges::all_of(subscribers_, [](const auto& each) { return each.is_idle(); });
}

void TelemetryFeed::stop() {
  for (auto& each : subscribers_) each.stop();
}

net::Task<> TelemetryFeed::stopped() {
  stop();
  for (auto& each : subscribers_) co_await each.stopped();
  for (auto& each : replaced_) co_await each.stopped();
}

}  // namespace lambent::extensions
