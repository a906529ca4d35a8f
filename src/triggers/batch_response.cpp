#include "triggers/batch_response.h"

#include <algorithm>
#include <boost/json.hpp>

namespace lambent::triggers {

namespace json = boost::json;

std::size_t records_done(std::string_view answer, std::span<const StreamRecord> batch) {
  boost::system::error_code failed;
  const auto value = json::parse(json::string_view(answer.data(), answer.size()), failed);
  if (failed) return answer.empty() ? batch.size() : 0;
  if (value.is_null()) return batch.size();
  const auto* object = value.if_object();
  if (!object) return 0;
  const auto* list = object->if_contains("batchItemFailures");
  if (!list || list->is_null()) return batch.size();
  const auto* failures = list->if_array();
  if (!failures) return 0;
  std::size_t done = batch.size();
  for (const auto& each : *failures) {
    const auto* item = each.is_object() ? each.get_object().if_contains("itemIdentifier") : nullptr;
    const auto* name = item ? item->if_string() : nullptr;
    if (!name) return 0;
    const auto found = std::ranges::find(batch, std::string_view(name->data(), name->size()), &StreamRecord::sequence);
    if (found == batch.end()) return 0;
    done = std::min(done, static_cast<std::size_t>(found - batch.begin()));
  }
  return done;
}

}  // namespace lambent::triggers
