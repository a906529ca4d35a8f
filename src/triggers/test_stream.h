// Streams, functions and destinations that a test scripts.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "invoke/destination.h"
#include "invoke/invoker.h"
#include "net/loop.h"
#include "net/timer.h"
#include "triggers/stream_source.h"

namespace lambent::triggers {

class FakeStream final : public StreamSource {
 public:
  struct Shard {
    std::string parent;
    std::vector<StreamRecord> records;
    bool is_closed = false;
  };

  [[nodiscard]] std::string_view batch_info_member() const override { return "TestBatchInfo"; }
  [[nodiscard]] bool takes(std::string_view arn) const override { return arn.starts_with("arn:test:"); }
  net::Task<StreamResult<std::vector<StreamShard>>> shards(std::string arn) override {
    if (arn != "arn:test:here") co_return std::unexpected(StreamFailure{true, "Stream not found"});
    std::vector<StreamShard> list;
    for (const auto& [id, shard] : all) list.push_back({id, shard.parent});
    co_return list;
  }
  net::Task<StreamResult<std::string>> position(std::string, std::string shard, StreamStart start) override {
    const auto& records = all[shard].records;
    co_return start == StreamStart::trim_horizon || records.empty() ? std::string() : records.back().sequence;
  }
  net::Task<StreamResult<StreamRead>> read(std::string, std::string shard, std::string after,
                                           std::size_t limit) override {
    reads++;
    StreamRead read;
    const auto& from = all[shard];
    for (const auto& record : from.records) {
      if (record.sequence > after && read.records.size() < limit) read.records.push_back(record);
    }
    const bool has_more =
        !from.records.empty() && !read.records.empty() && read.records.back().sequence != from.records.back().sequence;
    read.is_end = from.is_closed && !has_more;
    co_return read;
  }

  // Records {"k":"<sequence>"}, of sequence numbers of one length.
  void add(const std::string& shard, const std::vector<std::string>& sequences, std::int64_t arrived_ms,
           std::uint64_t key = 0) {
    for (const auto& each : sequences) {
      all[shard].records.push_back({each, R"({"k":")" + each + R"("})", arrived_ms, key});
    }
  }

  std::map<std::string, Shard> all;
  int reads = 0;
};

// Answers what `answer` makes of a call; success otherwise. A call whose payload holds one of `held` waits until
// that is taken out.
class FakeFunction final : public invoke::Invoker {
 public:
  explicit FakeFunction(net::Loop& on) : loop(on) {}
  [[nodiscard]] bool is_held(const std::string& payload) const {
    return std::ranges::any_of(held, [&](const std::string& part) { return payload.contains(part); });
  }
  net::Task<invoke::InvokeResult<invoke::Answer>> invoke(invoke::Call call) override {
    payloads.push_back(call.payload);
    arns.push_back(call.invoked_arn);
    running++;
    most_running = std::max(most_running, running);
    for (net::Timer timer(loop); is_held(call.payload);)
      std::ignore = co_await timer.sleep(std::chrono::milliseconds(1));
    running--;
    if (answer) co_return answer(call.payload);
    co_return invoke::Answer{.executed_version = "$LATEST", .payload = "null"};
  }
  net::Task<invoke::InvokeResult<std::string>> enqueue(invoke::Call) override { co_return std::string(); }
  invoke::InvokeResult<void> check(const invoke::Call&) override { return {}; }
  void retire(const catalog::Function&) override {}
  void follow(const catalog::Entry&) override {}
  void forget(const std::string&) override {}
  net::Task<instance::SnapshotOutcome> make_snapshot(catalog::FunctionPtr) override {
    co_return instance::SnapshotOutcome{};
  }
  [[nodiscard]] scheduler::Readiness readiness(const catalog::Function&) const override { return {}; }

  static invoke::InvokeResult<invoke::Answer> failure() {
    return invoke::Answer{.request_id = "r", .executed_version = "$LATEST", .function_error = "Unhandled"};
  }

  std::function<invoke::InvokeResult<invoke::Answer>(const std::string& payload)> answer;
  std::vector<std::string> payloads;
  std::vector<std::string> arns;
  std::vector<std::string> held;
  net::Loop& loop;
  int running = 0;
  int most_running = 0;
};

class FakeTarget final : public invoke::Destination {
 public:
  [[nodiscard]] bool takes(std::string_view arn) const override { return arn.starts_with("test:"); }
  net::Task<invoke::InvokeResult<void>> send(std::string, std::string payload, std::string) override {
    told.push_back(std::move(payload));
    co_return invoke::InvokeResult<void>();
  }
  std::vector<std::string> told;
};

}  // namespace lambent::triggers
