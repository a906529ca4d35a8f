// A usage record as bytes: always kUsageRecordBytes of them, little-endian, so that the file's end can be checked
// without reading all of it.
//
//   offset  bytes  field                      offset  bytes  field
//        0      4  CRC-32 of bytes 4..175         32      4  /tmp MB
//        4      2  format, 1                      36      4  INIT milliseconds
//        6      1  result                         40      1  length of the function's name
//        7      1  architecture                   41      1  length of the version
//        8      8  time, ms since 1970            42      1  length of the request id
//       16      4  billed milliseconds            43      1  0
//       20      4  memory MB                      44     64  function's name, padded with 0
//       24      8  0                             108     24  version
//                                                132     40  request id
//                                                172      4  0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "telemetry/usage_ledger.h"

namespace lambent::telemetry {

inline constexpr std::size_t kUsageRecordBytes = 176;

std::array<char, kUsageRecordBytes> encode_usage(const UsageRecord& record);

// True where the bytes are a whole record of any format: length and CRC are right.
bool is_intact(std::string_view bytes);

// Nothing where the bytes are no record: wrong length, CRC or format.
std::optional<UsageRecord> decode_usage(std::string_view bytes);

}  // namespace lambent::telemetry
