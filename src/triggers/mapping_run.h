// One enabled event source mapping at work: finds its source's shards, and runs each (shard_run.h) once its parent is
// read to its end.
//
// On the loop's thread only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "catalog/event_source_mapping.h"
#include "net/scope.h"
#include "net/task.h"
#include "triggers/mapping_parts.h"
#include "triggers/stream_source.h"

namespace lambent::triggers {

class MappingRun {
 public:
  // The patterns of the mapping are valid: the API checks them.
  MappingRun(const MappingParts& parts, StreamSource& source, catalog::EventSourceMapping mapping);
  // stop() must have been awaited.
  ~MappingRun() = default;
  MappingRun(const MappingRun&) = delete;
  MappingRun& operator=(const MappingRun&) = delete;

  void start();
  // Starts nothing more.
  void hold();
  // Calls hold(), and waits for batches that are with the function.
  net::Task<> stop();
  [[nodiscard]] const std::string& last_result() const { return context_.last_result; }

 private:
  net::Task<> watch_shards();
  [[nodiscard]] std::vector<std::string> shards_to_start(const std::vector<StreamShard>& shards) const;
  net::Task<> run_shard(std::string shard, StreamStart start);

  MappingContext context_;
  net::Scope scope_;
  std::set<std::string> running_;  // shards
};

}  // namespace lambent::triggers
