#include "telemetry/usage_record.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lambent::telemetry {
namespace {

static_assert(std::endian::native == std::endian::little, "the ledger's numbers are copied as they stand in memory");

constexpr std::uint16_t kFormat = 1;

struct TextField {
  std::size_t length_at, text_at, limit;
};
constexpr TextField kFunction{40, 44, 64};
constexpr TextField kVersion{41, 108, 24};
constexpr TextField kRequest{42, 132, 40};

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
    table[byte] = value;
  }
  return table;
}

// CRC-32 as in zip and Ethernet.
std::uint32_t crc32(std::string_view bytes) {
  static constexpr auto kTable = make_crc_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) crc = (crc >> 8U) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  return ~crc;
}

using Bytes = std::array<char, kUsageRecordBytes>;

template <class T>
void put(Bytes& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void put_text(Bytes& bytes, const TextField& field, std::string_view text) {
  text = text.substr(0, field.limit);
  put(bytes, field.length_at, static_cast<std::uint8_t>(text.size()));
  std::ranges::copy(text, bytes.begin() + static_cast<std::ptrdiff_t>(field.text_at));
}

std::string get_text(std::string_view bytes, const TextField& field) {
  const auto length = std::min<std::size_t>(get<std::uint8_t>(bytes, field.length_at), field.limit);
  return std::string(bytes.substr(field.text_at, length));
}

}  // namespace

Bytes encode_usage(const UsageRecord& record) {
  Bytes bytes{};
  put(bytes, 4, kFormat);
  put(bytes, 6, static_cast<std::uint8_t>(record.result));
  put(bytes, 7, static_cast<std::uint8_t>(record.architecture));
  put(bytes, 8, record.time_ms);
  put(bytes, 16, record.billed_ms);
  put(bytes, 20, record.memory_mb);
  put(bytes, 32, record.tmp_mb);
  put(bytes, 36, record.init_ms);
  put_text(bytes, kFunction, record.function);
  put_text(bytes, kVersion, record.version);
  put_text(bytes, kRequest, record.request_id);
  put(bytes, 0, crc32(std::string_view(bytes.data(), bytes.size()).substr(4)));
  return bytes;
}

bool is_intact(std::string_view bytes) {
  return bytes.size() == kUsageRecordBytes && get<std::uint32_t>(bytes, 0) == crc32(bytes.substr(4));
}

std::optional<UsageRecord> decode_usage(std::string_view bytes) {
  if (!is_intact(bytes) || get<std::uint16_t>(bytes, 4) != kFormat ||
      get<std::uint8_t>(bytes, 6) > static_cast<std::uint8_t>(CallResult::after_answer) ||
      get<std::uint8_t>(bytes, 7) > static_cast<std::uint8_t>(Architecture::arm64)) {
    return std::nullopt;
  }
  UsageRecord record;
  record.result = static_cast<CallResult>(get<std::uint8_t>(bytes, 6));
  record.architecture = static_cast<Architecture>(get<std::uint8_t>(bytes, 7));
  record.time_ms = get<std::int64_t>(bytes, 8);
  record.billed_ms = get<std::uint32_t>(bytes, 16);
  record.memory_mb = get<std::uint32_t>(bytes, 20);
  record.tmp_mb = get<std::uint32_t>(bytes, 32);
  record.init_ms = get<std::uint32_t>(bytes, 36);
  record.function = get_text(bytes, kFunction);
  record.version = get_text(bytes, kVersion);
  record.request_id = get_text(bytes, kRequest);
  return record;
}

}  // namespace lambent::telemetry
