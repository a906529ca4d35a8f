#include "invoke/event.h"

#include <array>

namespace lambent::invoke {
namespace {

constexpr char kFormat = 1;

void put_number(std::string& out, std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift & 0xffU);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

std::optional<std::uint64_t> take_number(std::string_view& bytes) {
  if (bytes.size() < 8) return std::nullopt;
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(8);
  return value;
}

std::optional<std::string> take_text(std::string_view& bytes) {
  const auto size = take_number(bytes);
  if (!size || *size > bytes.size()) return std::nullopt;
  std::string text(bytes.substr(0, *size));
  bytes.remove_prefix(*size);
  return text;
}

}  // namespace

std::string encode(const Event& event) {
  std::string out(1, kFormat);
  put_number(out, static_cast<std::uint64_t>(event.accepted_ms));
  put_number(out, event.attempts);
  for (const std::string* text : {&event.function_name, &event.invoked_arn, &event.payload, &event.client_context,
                                  &event.trace_header, &event.request_id}) {
    put_text(out, *text);
  }
  return out;
}

std::optional<Event> decode_event(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != kFormat) return std::nullopt;
  bytes.remove_prefix(1);
  Event event;
  const auto accepted = take_number(bytes);
  const auto attempts = take_number(bytes);
  if (!accepted || !attempts || *attempts > UINT32_MAX) return std::nullopt;
  event.accepted_ms = static_cast<std::int64_t>(*accepted);
  event.attempts = static_cast<std::uint32_t>(*attempts);
  for (std::string* text : {&event.function_name, &event.invoked_arn, &event.payload, &event.client_context,
                            &event.trace_header, &event.request_id}) {
    auto taken = take_text(bytes);
    if (!taken) return std::nullopt;
    *text = *std::move(taken);
  }
  if (!bytes.empty()) return std::nullopt;
  return event;
}

}  // namespace lambent::invoke
