// Versions that are published with SnapStart: each is Pending from its first record on, until its snapshot has been
// made, and then Active; or Failed where its INIT fails, as on AWS. Where INIT runs but leaves what cannot be forked,
// it is Active and has none (OptimizationStatus Off). The log of the server says why there is none.
//
// The state is part of the version's record, so what a kill leaves Pending goes on with the next start: resume().
//
// Thread rule: everything on the loop's thread.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "catalog/catalog.h"
#include "invoke/invoker.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "net/task.h"

namespace lambent::services::lambda {

class SnapshotPublisher {
 public:
  // So many snapshots are made at the same time; others wait for their turn.
  static constexpr std::size_t kAtOnce = 4;

  // All outlive it.
  SnapshotPublisher(catalog::Catalog& catalog, invoke::Invoker& invoker, Random& random)
      : catalog_(catalog), invoker_(invoker), random_(random) {}

  // Makes the record of a version that is being published Pending, where it has SnapStart.
  static void begin(catalog::Function& version);
  // Makes the record as if nothing was known of a snapshot: to tell what it is made of.
  static void forget(catalog::Function& version);

  // The version's record is in the catalog: where it is Pending, its snapshot is made. Others are left alone.
  void publish(const catalog::FunctionPtr& version);
  // Goes on with all that is Pending in the catalog.
  void resume();
  // The snapshots' makers have stopped: waits for what was being written.
  net::Task<> stop();

  // Waits while an outcome is being written to the function's record: nothing that its callers did, so no change of
  // theirs is refused because of it.
  net::Task<> settled(std::string name);

 private:
  void start_next();
  net::Task<> make(catalog::FunctionPtr version);
  net::Task<> settle(const catalog::Function& version, const instance::SnapshotOutcome& outcome);
  net::Task<> write(const catalog::Function& version, const instance::SnapshotOutcome& outcome);

  struct Settling {
    std::size_t outcomes = 0;  // of several versions, maybe
    std::vector<net::OneShot<bool>> waiting;
  };

  catalog::Catalog& catalog_;
  invoke::Invoker& invoker_;
  Random& random_;
  std::deque<catalog::FunctionPtr> waiting_;
  std::size_t running_ = 0;
  bool stopped_ = false;
  std::map<std::string, Settling> settling_;  // by function
  net::Scope scope_;
};

}  // namespace lambent::services::lambda
