// Streams of tables as sources of events for functions.
#pragma once

#include "net/loop.h"
#include "net/work_pool.h"
#include "tables/engine.h"
#include "triggers/stream_source.h"

namespace lambent::services::dynamodbstreams {

// On the loop's thread; records are read by the pool.
class TableStreamSource final : public triggers::StreamSource {
 public:
  // All outlive the source and every answer it is still making.
  TableStreamSource(const tables::Engine& engine, net::Loop& loop, net::WorkPool& pool, std::string region)
      : engine_(engine), loop_(loop), pool_(pool), region_(std::move(region)) {}

  [[nodiscard]] std::string_view batch_info_member() const override { return "DDBStreamBatchInfo"; }
  [[nodiscard]] bool takes(std::string_view arn) const override;
  net::Task<triggers::StreamResult<std::vector<triggers::StreamShard>>> shards(std::string arn) override;
  net::Task<triggers::StreamResult<std::string>> position(std::string arn, std::string shard,
                                                          triggers::StreamStart start) override;
  net::Task<triggers::StreamResult<triggers::StreamRead>> read(std::string arn, std::string shard, std::string after,
                                                               std::size_t limit) override;

 private:
  [[nodiscard]] triggers::StreamResult<tables::StreamPtr> find(std::string_view arn) const;

  const tables::Engine& engine_;
  net::Loop& loop_;
  net::WorkPool& pool_;
  const std::string region_;
};

}  // namespace lambent::services::dynamodbstreams
