// The telemetry of one instance, on its way to the extensions that subscribed to it: what the platform, the function
// and the extensions have to say, in batches, by HTTP or TCP to servers inside of the sandbox.
//
// Subscribers are code of the function's. What one does not take is kept up to its bounds, then dropped, counted, and
// told as platform.logsDropped once there is room: nothing ever waits for a subscriber, and each holds two batches at
// most, the one that is being sent and the next.
//
// Used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"
#include "edge/client.h"
#include "extensions/subscription.h"
#include "net/loop.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/timer.h"

namespace lambent::extensions {

enum class TelemetryKind : std::uint8_t { platform, function, extension };

// A connection, or one about to be made, to a port inside.
using ConnectInside = std::function<net::Task<Result<UniqueFd>>(std::uint16_t port)>;

class TelemetrySubscriber {
 public:
  TelemetrySubscriber(net::Loop& loop, const Clock& clock, std::string name, Subscription subscription,
                      ConnectInside connect);
  // stopped() must have been awaited.
  ~TelemetrySubscriber() = default;
  TelemetrySubscriber(const TelemetrySubscriber&) = delete;
  TelemetrySubscriber& operator=(const TelemetrySubscriber&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Subscription& subscription() const { return subscription_; }
  [[nodiscard]] bool wants(TelemetryKind kind) const;
  // One event, as JSON text.
  void add(std::string_view event);
  // What there is goes out without waiting for the batch to be full.
  void flush();
  // Nothing is held, and nothing is on its way.
  [[nodiscard]] bool is_idle() const { return batch_.items == 0 && !is_sending_; }
  [[nodiscard]] std::size_t held_bytes() const { return batch_.text.size(); }

  void stop();
  net::Task<> stopped();

 private:
  struct Batch {
    std::string text;  // the events, one after the other, as the protocol separates them
    std::size_t items = 0;
  };

  net::Task<> send_batches();
  net::Task<bool> send(const Batch& batch);
  net::Task<bool> post(const Batch& batch);
  net::Task<bool> stream(const Batch& batch);
  void append(std::string_view event);
  void tell_dropped();
  void wake();

  net::Loop& loop_;
  const Clock& clock_;
  std::string name_;
  Subscription subscription_;
  ConnectInside connect_;
  Batch batch_;  // the next one
  std::uint64_t dropped_items_ = 0;
  std::uint64_t dropped_bytes_ = 0;
  net::Timer due_;    // of the next batch
  net::Timer pause_;  // before another attempt
  bool is_due_ = false;
  bool is_sending_ = false;
  bool is_stopped_ = false;
  std::optional<net::OneShot<bool>> idle_;
  std::unique_ptr<edge::ClientConnection> http_;  // while a batch is posted
  std::optional<net::Stream> tcp_;                // stays
  net::Scope scope_;
};

class TelemetryFeed {
 public:
  // Both must outlive it.
  TelemetryFeed(net::Loop& loop, const Clock& clock) : loop_(loop), clock_(clock) {}

  // An extension that subscribes again replaces what it asked for before. It gets what there was before too, as far as
  // it was kept. False, and nothing is changed, where that was done too often.
  bool subscribe(const std::string& name, Subscription subscription, ConnectInside connect);
  // The instance has started: what came before is kept no longer.
  void forget_early();

  // `record` is JSON text. `logs_type`: the event's name in the Logs API; empty: it has none there.
  void platform(std::string_view type, std::string_view record, std::string_view logs_type);
  // A line as it was printed.
  void line(TelemetryKind kind, std::string_view text);
  [[nodiscard]] bool is_wanted() const { return keeps_early_ || !subscribers_.empty(); }

  void flush();
  [[nodiscard]] bool is_idle() const;
  void stop();
  net::Task<> stopped();

 private:
  struct Early {
    TelemetryKind kind;
    std::string telemetry;  // empty: not of this API
    std::string logs;
  };
  // Of what came before the first subscription.
  static constexpr std::size_t kMostReplaced = 16;
  static constexpr std::size_t kEarlyBytes = std::size_t{256} * 1024;

  void publish(Early event);

  net::Loop& loop_;
  const Clock& clock_;
  std::list<TelemetrySubscriber> subscribers_;
  std::list<TelemetrySubscriber> replaced_;  // until stopped()
  std::vector<Early> early_;
  std::size_t early_bytes_ = 0;
  bool keeps_early_ = true;
};

// {"time":…,"type":…,"record":…}
std::string telemetry_event(Wall time, std::string_view type, std::string_view record);

}  // namespace lambent::extensions
