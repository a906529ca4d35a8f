// Any bytes are a record or none; what is one encodes to the same record again. The CRC is made right, so that the
// fields behind it are reached.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "telemetry/usage_record.h"

namespace {

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::telemetry;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)decode_usage(bytes);
  bytes.resize(kUsageRecordBytes);
  const std::uint32_t crc = crc32(std::string_view(bytes).substr(4));
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(crc >> (8 * i));
  if (!is_intact(bytes)) std::abort();
  const auto record = decode_usage(bytes);
  if (!record) return 0;
  const auto again = encode_usage(*record);
  if (decode_usage({again.data(), again.size()}) != record) std::abort();
  return 0;
}
