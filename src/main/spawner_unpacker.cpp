#include "main/spawner_unpacker.h"

#include <utility>

namespace lambent {
namespace {

catalog::CodeError::Kind kind_of(sandbox::UnpackFailure failure) {
  using sandbox::UnpackFailure;
  switch (failure) {
    case UnpackFailure::too_many_bytes:
    case UnpackFailure::too_many_entries:
      return catalog::CodeError::Kind::too_large;
    case UnpackFailure::none:
    case UnpackFailure::no_space:
    case UnpackFailure::internal:
      return catalog::CodeError::Kind::storage;
    case UnpackFailure::not_a_zip:
    case UnpackFailure::corrupt:
    case UnpackFailure::encrypted:
    case UnpackFailure::unsupported:
    case UnpackFailure::unsafe_path:
    case UnpackFailure::unsafe_link:
    case UnpackFailure::unsafe_kind:
    case UnpackFailure::duplicate:
    case UnpackFailure::name_too_long:
    case UnpackFailure::time_limit:
      return catalog::CodeError::Kind::not_a_zip;
  }
  return catalog::CodeError::Kind::storage;
}

}  // namespace

net::Task<std::expected<std::uint64_t, catalog::CodeError>> SpawnerUnpacker::unpack(UniqueFd zip,
                                                                                    UniqueFd destination) {
  sandbox::UnpackLimits bounds;
  bounds.unzipped_bytes = limits_.unzipped_bytes;
  bounds.entries = static_cast<std::uint32_t>(limits_.unzipped_entries);
  const auto report = co_await spawner_.unpack(std::move(zip), std::move(destination), bounds);
  if (!report) {
    co_return std::unexpected(catalog::CodeError{kind_of(report.error().failure), report.error().detail});
  }
  if (report->entries == 0) {
    co_return std::unexpected(catalog::CodeError{catalog::CodeError::Kind::empty, "the archive has no entries"});
  }
  co_return report->bytes;
}

}  // namespace lambent
