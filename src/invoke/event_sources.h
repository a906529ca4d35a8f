// What of the event source mappings runs, as the API that keeps them sees it; triggers/ does the running.
#pragma once

#include <string>
#include <string_view>

#include "catalog/event_source_mapping.h"
#include "net/task.h"

namespace lambent::invoke {

// On the loop's thread only.
class EventSources {
 public:
  virtual ~EventSources() = default;
  // Whether there is a source of this kind; and whether this one exists.
  [[nodiscard]] virtual bool takes(std::string_view source_arn) const = 0;
  virtual net::Task<bool> exists(std::string source_arn) = 0;
  // A mapping that is new or changed, and is on disk: runs as it says from now on, or stops.
  virtual void follow(const catalog::EventSourceMapping& mapping) = 0;
  // It is gone: a batch that is with the function ends, and nothing follows.
  virtual void forget(const std::string& id) = 0;
  // LastProcessingResult: "No records processed", "OK", or "PROBLEM: ...".
  [[nodiscard]] virtual std::string last_result(const std::string& id) const = 0;
};

}  // namespace lambent::invoke
