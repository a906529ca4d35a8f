// The Lambda Extensions API of one instance
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html): which extensions it has, what each of
// them is doing, and the events that they are given.
//
//     starting --register--> registered --next--> waiting --event--> busy --next--> waiting ...
//         any --init/error, exit/error, its process ended--> gone
//
// External extensions are processes of their own, named when this object is made. Whoever registers by another name is
// an internal one: a thread of the runtime, which hears of calls only, and may register while the instance starts.
//
// The code of extensions is not trusted: bodies, names and numbers are bounded, and all they reach is their own state.
// Used on the loop's thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "edge/server.h"
#include "extensions/extension_request.h"
#include "net/loop.h"
#include "net/one_shot.h"
#include "net/task.h"

namespace lambent::extensions {

// Of the function, as extensions are told at their registration.
struct FunctionFacts {
  std::string name;
  std::string version;
  std::string handler;
  std::string account_id;
};

// A call, as extensions are told of it.
struct CallFacts {
  std::string request_id;
  std::string invoked_arn;
  std::string trace_header;
  Wall deadline;
};

class ExtensionApi {
 public:
  struct Extension {
    enum class State { starting, registered, waiting, busy, gone };
    std::string name;
    std::string identifier;  // empty before it is registered
    bool is_external = false;
    Events events;
    State state = State::starting;
    std::optional<std::string> event;          // for its next poll
    std::optional<net::OneShot<bool>> parked;  // set with true: there is an event
  };

  // Calls come from the loop, never from inside a call into the API, until stop().
  class Observer {
   public:
    virtual ~Observer() = default;
    // An extension has registered, or waits: are_registered() or are_waiting() may be true now.
    virtual void on_progress() = 0;
    // By its own account (init/error, exit/error). `type` as it says, or AWS's.
    virtual void on_error(const std::string& name, bool in_init, std::string type) = 0;
  };

  // Everything named must outlive it. `most`: extensions of one instance.
  ExtensionApi(net::Loop& loop, Random& random, FunctionFacts function, std::size_t most, Observer& observer);

  // Before any request.
  void expect(const std::vector<std::string>& external);

  // Answers a request whose path is_extension_path().
  net::Task<> handle(edge::Exchange& exchange);

  // All external ones have registered: the runtime may start.
  [[nodiscard]] bool are_registered() const;
  // All there are wait for their next event.
  [[nodiscard]] bool are_waiting() const;
  // Some were told of the call that runs.
  [[nodiscard]] bool is_any_told() const;
  // The extension that a request names by its identifier. Null: none, or one that is gone.
  [[nodiscard]] const Extension* find(const edge::Headers& headers) const;
  [[nodiscard]] const std::list<Extension>& all() const { return extensions_; }

  // The instance has started: nobody can register any more.
  void close_registration() { is_open_ = false; }
  [[nodiscard]] bool is_open() const { return is_open_; }
  // Tells those that asked for INVOKE. Where all are waiting.
  void begin_call(const CallFacts& call);
  // Tells those that asked for SHUTDOWN. `reason`: spindown, timeout or failure.
  void begin_shutdown(std::string_view reason, Wall deadline);
  // The process of an external one has ended, or was never executed.
  void set_gone(std::size_t external);
  // Nothing is told any more, and polls end.
  void stop();

 private:
  net::Task<> registration(edge::Exchange& exchange);
  net::Task<> next(edge::Exchange& exchange, Extension& extension);
  net::Task<> error(edge::Exchange& exchange, Extension& extension, bool in_init);
  std::expected<Extension*, ApiRefusal> enroll(std::string_view name, Events events);
  std::expected<Extension*, ApiRefusal> by_identifier(const edge::Headers& headers);
  void give(Extension& extension, std::string event);
  void tell(std::move_only_function<void(Observer&)> call);

  net::Loop& loop_;
  Random& random_;
  FunctionFacts function_;
  std::size_t most_;
  Observer& observer_;
  std::list<Extension> extensions_;  // the external ones first, in their order
  bool is_open_ = true;
  bool is_stopped_ = false;
};

}  // namespace lambent::extensions
