// Templates in which a function's INIT has run, one for each code and configuration: instances are their forks.
//
// A template is made when its version is published or the first instance wants one, once however many want it; it is
// kept while forks of it live, and for limits.idle_timeout after. There are SnapshotSettings::templates of them at
// most, and those without forks end when the host's memory becomes scarce; they are made again when they are wanted.
//
// What cannot be forked (INIT left threads, processes or descriptors) is started without a template from then on, and
// the log of the server says so once, that of the function by the template itself.
//
// Used on the loop's thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "instance/instance.h"
#include "instance/snapshot_outcome.h"
#include "net/one_shot.h"
#include "net/task.h"
#include "net/timer.h"

namespace lambent::instance {

class Snapshots final : Instance::Observer {
 public:
  // What of the host's memory is free, in percent; nothing where that is unknown.
  using FreeMemory = std::function<std::optional<unsigned>()>;

  Snapshots(Surroundings& around, SnapshotSettings settings, FreeMemory free_memory = host_free_memory);
  // stop() must have been awaited.
  ~Snapshots() override;
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

  struct Source {
    sandbox::ChildId id = 0;
    std::shared_ptr<void> lease;  // the template stays while one is held
  };
  // The template of the function; nothing where it has none: its INIT failed, it cannot be forked, there are too many.
  // Where it must be made first, waits for that.
  net::Task<std::optional<Source>> source_of(catalog::FunctionPtr function, Runtime runtime);

  // Makes the template ahead of all instances, whatever came of it before; waits for the end of its INIT. Where it is
  // there already, that is all. The log says why where none is made.
  net::Task<SnapshotOutcome> make_ahead(catalog::FunctionPtr function, Runtime runtime);

  // This code and configuration are no longer called: its template ends with the last fork.
  void retire(const catalog::Function& function);
  [[nodiscard]] const SnapshotSettings& settings() const { return settings_; }
  [[nodiscard]] std::size_t size() const { return templates_.size(); }
  // Ends all and waits for it. Their forks end with them.
  net::Task<> stop();

  static std::optional<unsigned> host_free_memory();

 private:
  struct Template {
    std::unique_ptr<Instance> instance;
    bool is_up = false;
    bool is_ending = false;
    std::shared_ptr<void> lease;  // the first of all; others are copies
    Monotonic last_use;
    std::deque<net::OneShot<SnapshotOutcome>> waiting;  // for the end of its INIT
    [[nodiscard]] bool has_forks() const { return lease.use_count() > 1; }
  };
  using Key = std::string;  // configuration_id and version

  void on_available(Instance& instance) override;
  void on_init_timeout(Instance& instance) override;
  void on_ended(Instance& instance, const std::string& launch_error) override;

  Template* make(const catalog::FunctionPtr& function, Runtime runtime);
  bool make_room();
  net::Task<SnapshotOutcome> obtain(Key key, catalog::FunctionPtr function, Runtime runtime);
  void give_up(Template& of, SnapshotOutcome outcome);
  void end(Template& of);
  static void wake(Template& of, const SnapshotOutcome& outcome);
  std::map<Key, Template>::iterator find(const Instance& instance);
  void sweep();

  Surroundings& around_;
  SnapshotSettings settings_;
  FreeMemory free_memory_;
  std::map<Key, Template> templates_;
  std::map<Key, Monotonic> without_;  // tried in vain; until when
  net::Timer sweeper_;
  net::OneShot<bool> empty_;
  bool stopped_ = false;
};

}  // namespace lambent::instance
