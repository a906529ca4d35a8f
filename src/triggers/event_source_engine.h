// The event source mappings that are enabled, at work.
//
// On the loop's thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "invoke/event_sources.h"
#include "net/scope.h"
#include "triggers/mapping_run.h"

namespace lambent::triggers {

class EventSourceEngine final : public invoke::EventSources {
 public:
  explicit EventSourceEngine(MappingParts parts) : parts_(std::move(parts)) {}
  // stop() must have been awaited.
  ~EventSourceEngine() override = default;

  // Before the first follow(); outlives the engine.
  void add_source(StreamSource& source) { sources_.push_back(&source); }
  // Starts nothing more.
  void hold();
  // Calls hold(), and waits for batches that are with functions.
  net::Task<> stop();

  [[nodiscard]] bool takes(std::string_view source_arn) const override { return source_of(source_arn) != nullptr; }
  net::Task<bool> exists(std::string source_arn) override;
  void follow(const catalog::EventSourceMapping& mapping) override;
  void forget(const std::string& id) override;
  [[nodiscard]] std::string last_result(const std::string& id) const override;

 private:
  struct Place {
    std::unique_ptr<MappingRun> run;
    std::optional<catalog::EventSourceMapping> wanted;  // nothing: it is gone
    bool is_changing = false;
    bool changed_again = false;
  };

  [[nodiscard]] StreamSource* source_of(std::string_view arn) const;
  void change(const std::string& id, std::optional<catalog::EventSourceMapping> wanted);
  net::Task<> change_over(std::string id);

  MappingParts parts_;
  std::vector<StreamSource*> sources_;
  std::map<std::string, Place> places_;
  net::Scope scope_;
  bool stopping_ = false;
};

}  // namespace lambent::triggers
