#include "protocol/event_stream.h"

#include <zlib.h>

#include <cstdint>

namespace lambent::protocol {
namespace {

constexpr std::size_t kPrelude = 12;  // length of all, length of the headers, checksum of both
constexpr std::size_t kChecksum = 4;
constexpr char kString = 7;  // the type of a header's value

void put(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

void put_checksum(std::string& out) {
  put(out, static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(out.data()), out.size())));
}

void put_header(std::string& out, std::string_view name, std::string_view value) {
  out.push_back(static_cast<char>(name.size()));
  out.append(name);
  out.push_back(kString);
  out.push_back(static_cast<char>(value.size() >> 8));
  out.push_back(static_cast<char>(value.size()));
  out.append(value);
}

}  // namespace

std::string event_message(std::string_view event_type, std::string_view content_type, std::string_view payload) {
  std::string headers;
  put_header(headers, ":event-type", event_type);
  put_header(headers, ":content-type", content_type);
  put_header(headers, ":message-type", "event");
  std::string out;
  out.reserve(kPrelude + headers.size() + payload.size() + kChecksum);
  put(out, static_cast<std::uint32_t>(kPrelude + headers.size() + payload.size() + kChecksum));
  put(out, static_cast<std::uint32_t>(headers.size()));
  put_checksum(out);
  out.append(headers).append(payload);
  put_checksum(out);
  return out;
}

}  // namespace lambent::protocol
