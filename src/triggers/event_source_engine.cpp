#include "triggers/event_source_engine.h"

#include <algorithm>
#include <utility>

namespace lambent::triggers {

StreamSource* EventSourceEngine::source_of(std::string_view arn) const {
  const auto found = std::ranges::find_if(sources_, [&](const StreamSource* each) { return each->takes(arn); });
  return found == sources_.end() ? nullptr : *found;
}

net::Task<bool> EventSourceEngine::exists(std::string source_arn) {
  auto* source = source_of(source_arn);
  if (!source) co_return false;
  co_return (co_await source->shards(std::move(source_arn))).has_value();
}

void EventSourceEngine::follow(const catalog::EventSourceMapping& mapping) {
  change(mapping.id, mapping);
}

void EventSourceEngine::forget(const std::string& id) {
  change(id, std::nullopt);
}

void EventSourceEngine::change(const std::string& id, std::optional<catalog::EventSourceMapping> wanted) {
  if (stopping_) return;
  auto& place = places_[id];
  place.wanted = std::move(wanted);
  place.changed_again = true;
  if (!std::exchange(place.is_changing, true)) scope_.spawn(change_over(id));
}

// The former run ends before the next one begins, so that no record is with the function twice.
net::Task<> EventSourceEngine::change_over(std::string id) {
  auto& place = places_[id];
  while (std::exchange(place.changed_again, false)) {
    if (place.run) co_await place.run->stop();
    place.run.reset();
    if (place.changed_again || stopping_) continue;
    if (!place.wanted) {
      parts_.positions.forget(id);
      places_.erase(id);
      co_return;
    }
    auto* source = source_of(place.wanted->source_arn);
    if (!place.wanted->is_enabled || !source) continue;
    place.run = std::make_unique<MappingRun>(parts_, *source, *place.wanted);
    place.run->start();
  }
  place.is_changing = false;
}

void EventSourceEngine::hold() {
  stopping_ = true;
  for (auto& [id, place] : places_) {
    if (place.run) place.run->hold();
  }
}

net::Task<> EventSourceEngine::stop() {
  hold();
  co_await scope_.join();
  for (auto& [id, place] : places_) {
    if (place.run) scope_.spawn(place.run->stop());  // all at the same time
  }
  co_await scope_.join();
}

std::string EventSourceEngine::last_result(const std::string& id) const {
  const auto place = places_.find(id);
  return place != places_.end() && place->second.run ? place->second.run->last_result() : "No records processed";
}

}  // namespace lambent::triggers
