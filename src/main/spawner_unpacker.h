// Unpacks code packages through the spawner's confined helper, for the catalog.
#pragma once

#include "base/limits.h"
#include "catalog/code_store.h"
#include "sandbox/spawner_client.h"

namespace lambent {

class SpawnerUnpacker final : public catalog::Unpacker {
 public:
  // Both outlive it.
  SpawnerUnpacker(sandbox::SpawnerClient& spawner, const Limits& limits) : spawner_(spawner), limits_(limits) {}
  net::Task<std::expected<std::uint64_t, catalog::CodeError>> unpack(UniqueFd zip, UniqueFd destination) override;

 private:
  sandbox::SpawnerClient& spawner_;
  const Limits& limits_;
};

}  // namespace lambent
