#include "triggers/mapping_run.h"

#include <algorithm>
#include <utility>

#include "triggers/shard_run.h"

namespace lambent::triggers {
namespace {

StreamStart start_of(const catalog::EventSourceMapping& mapping) {
  return mapping.starting_position == "LATEST" ? StreamStart::latest : StreamStart::trim_horizon;
}

}  // namespace

MappingRun::MappingRun(const MappingParts& parts, StreamSource& source, catalog::EventSourceMapping mapping)
    : context_{.parts = parts, .source = source, .mapping = std::move(mapping), .filters = {}} {
  for (const auto& text : context_.mapping.filters) {
    if (auto pattern = event_pattern::Pattern::parse(text)) context_.filters.push_back(*std::move(pattern));
  }
}

void MappingRun::start() {
  scope_.spawn(watch_shards());
}

void MappingRun::hold() {
  context_.stopping = true;
  for (auto& timer : context_.timers) timer.cancel();
}

net::Task<> MappingRun::stop() {
  hold();
  co_await scope_.join();
}

// What is new since the mapping began is read from its start, whatever the mapping's starting position.
net::Task<> MappingRun::watch_shards() {
  const MappingTimer timer(context_);
  const auto& policy = context_.parts.policy;
  auto start =
      context_.parts.positions.has_any(context_.mapping.id) ? StreamStart::trim_horizon : start_of(context_.mapping);
  while (!context_.stopping) {
    auto wait = policy.look_for_shards;
    if (const auto shards = co_await context_.source.shards(context_.mapping.source_arn); !shards) {
      context_.last_result = "PROBLEM: " + shards.error().message;
      if (shards.error().is_gone) wait = policy.longest_backoff;
    } else {
      for (auto& shard : shards_to_start(*shards)) {
        running_.insert(shard);
        scope_.spawn(run_shard(std::move(shard), start));
      }
      start = StreamStart::trim_horizon;
    }
    if (!co_await context_.pause(timer.get(), wait)) break;
  }
}

// Those of which the parent is read to its end, or is not there any more.
std::vector<std::string> MappingRun::shards_to_start(const std::vector<StreamShard>& shards) const {
  const auto is_ended = [&](const std::string& shard) {
    const auto position = context_.parts.positions.find(context_.mapping.id, shard);
    return position && position->is_end;
  };
  std::vector<std::string> to_start;
  for (const auto& shard : shards) {
    const bool waits =
        !is_ended(shard.parent) && std::ranges::find(shards, shard.parent, &StreamShard::id) != shards.end();
    if (!waits && !running_.contains(shard.id) && !is_ended(shard.id)) to_start.push_back(shard.id);
  }
  return to_start;
}

net::Task<> MappingRun::run_shard(std::string shard, StreamStart start) {
  ShardRun run(context_, shard);
  co_await run.run(start);
  running_.erase(shard);  // seen again where it goes on
}

}  // namespace lambent::triggers
