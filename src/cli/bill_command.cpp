#include "cli/bill_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "base/files.h"
#include "base/json_text.h"
#include "cli/commands.h"
#include "telemetry/prices.h"

namespace lambent::cli {
namespace {

using telemetry::Bill;
using telemetry::Cost;
using telemetry::Prices;
using telemetry::Usage;

constexpr std::size_t kPricesLimit = 1024 * 1024;
constexpr int kExact = 12;  // decimals of the JSON form: all there are

Result<Prices> load_prices(const BillOptions& options) {
  std::string path = options.prices_file;
  if (path.empty()) {
    std::error_code ignored;
    path = options.data_dir + "/prices.toml";
    if (!std::filesystem::exists(path, ignored)) return telemetry::built_in_prices();
  }
  LAMBENT_TRY(const std::string content, read_file(path, kPricesLimit));
  return telemetry::parse_prices(content, path);
}

// GB-seconds with three decimals, cut: for people, the amounts are made of the exact number.
std::string gb_seconds(std::uint64_t mb_ms) {
  const std::uint64_t thousandths = mb_ms / 1024;
  return fmt::format("{}.{:03}", thousandths / 1000, thousandths % 1000);
}

std::uint64_t all_mb_ms(const Usage& usage) {
  return std::accumulate(usage.mb_ms.begin(), usage.mb_ms.end(), std::uint64_t{0});
}

std::string row(std::string_view name, const Usage& usage, telemetry::Picodollars amount) {
  return fmt::format("{:<40} {:>10} {:>8} {:>14} {:>16} {:>14}\n", name, usage.requests, usage.errors, usage.billed_ms,
                     gb_seconds(all_mb_ms(usage)), telemetry::format_dollars(amount));
}

void print_text(const Bill& bill, std::ostream& out) {
  out << fmt::format("{} at the prices of {} ({})\n\n", bill.month, bill.prices.name, bill.prices.date);
  out << fmt::format("{:<40} {:>10} {:>8} {:>14} {:>16} {:>14}\n", "FUNCTION", "CALLS", "ERRORS", "BILLED MS",
                     "GB-SECONDS", "USD");
  for (const auto& line : bill.functions) out << row(line.function, line.usage, line.cost.total());
  out << row("total", bill.usage, bill.gross.total());
  const auto amount = [&](std::string_view name, telemetry::Picodollars value) {
    out << fmt::format("{:<92} {:>14}\n", name, telemetry::format_dollars(value));
  };
  amount("free tier", -bill.free_tier.total());
  amount("to pay", bill.net);
  out << fmt::format("\nPrices: {}. Lambent itself charges nothing.\n", bill.prices.source);
  if (bill.damaged > 0) out << fmt::format("{} damaged records of the ledger were left out.\n", bill.damaged);
}

std::string usage_json(const Usage& usage) {
  return fmt::format(R"("requests":{},"errors":{},"billedMs":{},"mbMs":{{"x86_64":{},"arm64":{}}},"tmpMbMs":{})",
                     usage.requests, usage.errors, usage.billed_ms, usage.mb_ms[0], usage.mb_ms[1], usage.tmp_mb_ms);
}

// Amounts are texts: a JSON number would lose digits in most readers.
std::string cost_json(const Cost& cost) {
  return fmt::format(R"({{"requests":"{}","duration":"{}","tmp":"{}","total":"{}"}})",
                     telemetry::format_dollars(cost.requests, kExact), telemetry::format_dollars(cost.duration, kExact),
                     telemetry::format_dollars(cost.tmp, kExact), telemetry::format_dollars(cost.total(), kExact));
}

void print_json(const Bill& bill, std::ostream& out) {
  out << fmt::format(R"({{"month":{},"prices":{{"name":{},"source":{},"date":{}}},"functions":[)",
                     json_string(bill.month), json_string(bill.prices.name), json_string(bill.prices.source),
                     json_string(bill.prices.date));
  for (std::size_t i = 0; i < bill.functions.size(); ++i) {
    const auto& line = bill.functions[i];
    out << fmt::format(R"({}{{"function":{},{},"costUsd":{}}})", i == 0 ? "" : ",", json_string(line.function),
                       usage_json(line.usage), cost_json(line.cost));
  }
  out << fmt::format(R"(],"total":{{{},"costUsd":{}}},"freeTierUsd":{},"toPayUsd":"{}","damagedRecords":{}}})",
                     usage_json(bill.usage), cost_json(bill.gross), cost_json(bill.free_tier),
                     telemetry::format_dollars(bill.net, kExact), bill.damaged)
      << '\n';
}

}  // namespace

bool is_month(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == 7 && text[4] == '-' && std::ranges::all_of(text.substr(0, 4), digit) &&
         std::ranges::all_of(text.substr(5), digit) && text.substr(5) >= "01" && text.substr(5) <= "12";
}

int run_bill(const BillOptions& options, std::ostream& out, std::ostream& err) {
  if (!is_month(options.month)) {
    err << "lambent bill: --month must be of the form 2026-11\n";
    return kUsage;
  }
  const auto refuse = [&](const Error& error) {
    err << "lambent bill: " << error.message() << '\n';
    return kFailed;
  };
  const auto prices = load_prices(options);
  if (!prices) return refuse(prices.error());
  const auto bill = telemetry::bill(options.data_dir, options.month, *prices);
  if (!bill) return refuse(bill.error());
  options.json ? print_json(*bill, out) : print_text(*bill, out);
  return kDone;
}

}  // namespace lambent::cli
