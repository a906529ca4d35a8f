#include "telemetry/prices.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

#include "prices_embedded.h"

namespace lambent::telemetry {
namespace {

__extension__ using Wide = __int128;

constexpr int kDecimals = 12;
constexpr std::uint64_t kMbMsPerGbSecond = 1024ULL * 1000ULL;
constexpr std::uint64_t kMillion = 1'000'000;

// quantity * price / divisor, rounded half up; the largest amount where it would be more.
Picodollars multiply(std::uint64_t quantity, Picodollars price, std::uint64_t divisor) {
  const Wide product = static_cast<Wide>(quantity) * price + static_cast<Wide>(divisor / 2);
  const Wide amount = product / static_cast<Wide>(divisor);
  return static_cast<Picodollars>(std::min<Wide>(amount, std::numeric_limits<Picodollars>::max()));
}

// Collects the first thing that is wrong with the file, so that reading it stays a list.
class PriceFile {
 public:
  PriceFile(const toml::table& table, std::string_view origin) : table_(table), origin_(origin) {}

  std::string text(std::string_view path) {
    const auto value = table_.at_path(path).value<std::string>();
    if (!value) note(path, "must be a text");
    return value.value_or("");
  }
  std::uint64_t count(std::string_view path) {
    const auto value = table_.at_path(path).value_exact<std::int64_t>();
    if (!value || *value < 0) note(path, "must be a whole number, not negative");
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.value_or(0)));
  }
  Picodollars dollars(std::string_view path) {
    const auto amount = parse_dollars(text(path));
    if (!amount) note(path, amount.error().detail);
    return amount.value_or(0);
  }
  [[nodiscard]] Result<> outcome() const { return problem_ ? Result<>(fail(*problem_)) : Result<>(); }
  void note(std::string_view path, std::string_view detail) {
    if (!problem_) problem_ = Error::of("read prices", origin_, fmt::format("{} {}", path, detail));
  }

 private:
  const toml::table& table_;
  std::string_view origin_;
  std::optional<Error> problem_;
};

Result<Prices> read_prices(const toml::table& table, std::string_view origin) {
  PriceFile file(table, origin);
  Prices prices;
  prices.name = file.text("name");
  prices.source = file.text("source");
  prices.date = file.text("date");
  const Picodollars per_million = file.dollars("requests.per_million");
  if (per_million % static_cast<Picodollars>(kMillion) != 0) {
    file.note("requests.per_million", "must have at most six decimals");
  }
  prices.per_request = per_million / static_cast<Picodollars>(kMillion);
  prices.free_requests = file.count("requests.free_each_month");
  prices.per_gb_second[std::to_underlying(Architecture::x86_64)] = file.dollars("duration.x86_64_per_gb_second");
  prices.per_gb_second[std::to_underlying(Architecture::arm64)] = file.dollars("duration.arm64_per_gb_second");
  prices.free_gb_seconds = file.count("duration.free_gb_seconds_each_month");
  prices.tmp_per_gb_second = file.dollars("tmp.per_gb_second");
  prices.tmp_free_mb = static_cast<std::uint32_t>(std::min<std::uint64_t>(file.count("tmp.free_mb"), 1U << 20U));
  LAMBENT_TRY_VOID(file.outcome());
  return prices;
}

}  // namespace

Result<Picodollars> parse_dollars(std::string_view text) {
  const auto wrong = [&](std::string_view detail) { return fail(Error::of("read amount", text, detail)); };
  Wide amount = 0;
  int decimals = -1;  // digits after the point, -1 before it
  bool digits = false;
  for (const char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return wrong("must be an amount such as \"0.20\"");
    digits = true;
    amount = amount * 10 + (c - '0');
    if (decimals >= 0 && ++decimals > kDecimals) return wrong("has more than twelve decimals");
    if (amount > std::numeric_limits<Picodollars>::max()) return wrong("is too large");
  }
  if (!digits) return wrong("must be an amount such as \"0.20\"");
  for (int i = std::max(decimals, 0); i < kDecimals; ++i) amount *= 10;
  if (amount > std::numeric_limits<Picodollars>::max()) return wrong("is too large");
  return static_cast<Picodollars>(amount);
}

std::string format_dollars(Picodollars amount, int decimals) {
  decimals = std::clamp(decimals, 0, kDecimals);
  const bool negative = amount < 0;
  Wide rest = negative ? -static_cast<Wide>(amount) : static_cast<Wide>(amount);
  Wide unit = 1;
  for (int i = decimals; i < kDecimals; ++i) unit *= 10;
  rest = (rest + unit / 2) / unit;
  std::string digits = fmt::format("{:0{}}", static_cast<std::uint64_t>(rest), decimals + 1);
  if (decimals > 0) digits.insert(digits.size() - static_cast<std::size_t>(decimals), 1, '.');
  return (negative && rest != 0 ? "-" : "") + digits;
}

Result<Prices> parse_prices(std::string_view text, std::string_view origin) {
  try {
    const toml::table table = toml::parse(text, origin);
    return read_prices(table, origin);
  } catch (const toml::parse_error& problem) {
    return fail(Error::of("read prices", origin,
                          fmt::format("line {}: {}", problem.source().begin.line, problem.description())));
  }
}

Prices built_in_prices() {
  auto prices = parse_prices(kEmbeddedPrices, "the built-in prices");
  // The file is part of the program; prices_test.cpp reads it.
  if (!prices) std::abort();
  return *std::move(prices);
}

void Usage::add(const UsageRecord& record, std::uint32_t tmp_free_mb) {
  if (record.result == CallResult::platform_error) return;
  if (record.result != CallResult::after_answer) {
    ++requests;
    if (record.result != CallResult::ok) ++errors;
  }
  billed_ms += record.billed_ms;
  mb_ms[std::to_underlying(record.architecture)] += std::uint64_t{record.memory_mb} * record.billed_ms;
  if (record.tmp_mb > tmp_free_mb) tmp_mb_ms += std::uint64_t{record.tmp_mb - tmp_free_mb} * record.billed_ms;
}

Cost cost_of(const Usage& usage, const Prices& prices) {
  Cost cost;
  cost.requests = multiply(usage.requests, prices.per_request, 1);
  for (std::size_t i = 0; i < usage.mb_ms.size(); ++i) {
    cost.duration += multiply(usage.mb_ms[i], prices.per_gb_second[i], kMbMsPerGbSecond);
  }
  cost.tmp = multiply(usage.tmp_mb_ms, prices.tmp_per_gb_second, kMbMsPerGbSecond);
  return cost;
}

Cost free_tier_of(const Usage& usage, const Prices& prices) {
  Usage free;
  free.requests = std::min(usage.requests, prices.free_requests);
  std::uint64_t left = prices.free_gb_seconds * kMbMsPerGbSecond;
  std::array<std::size_t, 2> order = {0, 1};
  if (prices.per_gb_second[1] > prices.per_gb_second[0]) std::swap(order[0], order[1]);
  for (const std::size_t i : order) {
    free.mb_ms[i] = std::min(usage.mb_ms[i], left);
    left -= free.mb_ms[i];
  }
  return cost_of(free, prices);
}

Result<Bill> bill(const std::string& data_dir, std::string_view month, const Prices& prices) {
  Bill out;
  out.month = month;
  out.prices = prices;
  std::map<std::string, Usage, std::less<>> by_function;
  LAMBENT_TRY(const ReadSummary read, read_usage(data_dir, month, [&](const UsageRecord& record) {
                by_function[record.function].add(record, prices.tmp_free_mb);
                out.usage.add(record, prices.tmp_free_mb);
              }));
  out.damaged = read.damaged;
  for (auto& [function, usage] : by_function) {
    if (usage.requests > 0 || usage.billed_ms > 0) out.functions.push_back({function, usage, cost_of(usage, prices)});
  }
  std::ranges::sort(out.functions, [](const FunctionBill& a, const FunctionBill& b) {
    return a.cost.total() != b.cost.total() ? a.cost.total() > b.cost.total() : a.function < b.function;
  });
  out.gross = cost_of(out.usage, prices);
  out.free_tier = free_tier_of(out.usage, prices);
  out.net = out.gross.total() - out.free_tier.total();
  return out;
}

}  // namespace lambent::telemetry
