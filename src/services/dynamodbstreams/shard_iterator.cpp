#include "services/dynamodbstreams/shard_iterator.h"

#include <fmt/format.h>

#include <charconv>

namespace lambent::services::dynamodbstreams {
namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

std::string to_text(const ShardIterator& iterator) {
  return fmt::format("{}|1|{}|{}", iterator.stream_arn, iterator.next, iterator.made_ms);
}

std::optional<ShardIterator> parse_shard_iterator(std::string_view text) {
  const auto made_at = text.rfind('|');
  if (made_at == std::string_view::npos || made_at == 0) return std::nullopt;
  const auto next_at = text.rfind('|', made_at - 1);
  if (next_at == std::string_view::npos) return std::nullopt;
  const auto made = number<std::int64_t>(text.substr(made_at + 1));
  const auto next = number<std::uint64_t>(text.substr(next_at + 1, made_at - next_at - 1));
  const auto arn = text.substr(0, next_at);
  if (!made || !next || !arn.ends_with("|1")) return std::nullopt;
  return ShardIterator{std::string(arn.substr(0, arn.size() - 2)), *next, *made};
}

std::string sequence_text(std::uint64_t sequence) {
  return fmt::format("1{:020}", sequence);
}

std::optional<std::uint64_t> parse_sequence(std::string_view text) {
  if (text.size() != 21 || text[0] != '1') return std::nullopt;
  return number<std::uint64_t>(text.substr(1));
}

std::optional<StreamName> parse_stream_arn(std::string_view arn) {
  constexpr std::string_view kTable = ":table/";
  constexpr std::string_view kStream = "/stream/";
  const auto table = arn.find(kTable);
  const auto stream = arn.find(kStream);
  if (table == std::string_view::npos || stream == std::string_view::npos || stream < table) return std::nullopt;
  const auto name = table + kTable.size();
  return StreamName{std::string(arn.substr(name, stream - name)), std::string(arn.substr(stream + kStream.size()))};
}

}  // namespace lambent::services::dynamodbstreams
