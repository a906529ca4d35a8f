// What a month of calls would have cost: the ledger's sums times the prices of a data file.
//
// Exact: prices are whole picodollars (10^-12 USD), quantities whole calls and megabyte-milliseconds, and each amount
// is rounded once, half up, when it is made into money.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "telemetry/usage_ledger.h"

namespace lambent::telemetry {

// Picodollars; holds nine million dollars.
using Picodollars = std::int64_t;

// prices/aws-us-east-1.toml, whose comments give source and date.
struct Prices {
  std::string name;    // "AWS Lambda, US East (N. Virginia)"
  std::string source;  // where the prices were published
  std::string date;    // when they were read, "2026-11-23"
  Picodollars per_request = 0;
  std::array<Picodollars, 2> per_gb_second{};  // by Architecture
  Picodollars tmp_per_gb_second = 0;           // of /tmp above tmp_free_mb
  std::uint32_t tmp_free_mb = 512;
  std::uint64_t free_requests = 0;    // each month
  std::uint64_t free_gb_seconds = 0;  // each month, the dearer architecture first
};

// The prices built into the binary.
Prices built_in_prices();

// `origin` names the text in errors.
Result<Prices> parse_prices(std::string_view toml, std::string_view origin);

// Memory times billed time of some calls.
struct Usage {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;  // of those: ended other than ok
  std::uint64_t billed_ms = 0;
  std::array<std::uint64_t, 2> mb_ms{};  // by Architecture; one GB-second is 1,024,000
  std::uint64_t tmp_mb_ms = 0;           // of /tmp above the free size

  void add(const UsageRecord& record, std::uint32_t tmp_free_mb);
};

struct Cost {
  Picodollars requests = 0;
  Picodollars duration = 0;
  Picodollars tmp = 0;
  [[nodiscard]] Picodollars total() const { return requests + duration + tmp; }
};

struct FunctionBill {
  std::string function;
  Usage usage;
  Cost cost;  // before the free tier, which belongs to the account
};

struct Bill {
  std::string month;
  Prices prices;
  std::vector<FunctionBill> functions;  // the dearest first
  Usage usage;
  Cost gross;
  Cost free_tier;             // what the free tier takes off
  Picodollars net = 0;        // gross less free tier
  std::uint64_t damaged = 0;  // ledger records that could not be read
};

Cost cost_of(const Usage& usage, const Prices& prices);
Cost free_tier_of(const Usage& usage, const Prices& prices);

// `month` is "2026-11".
Result<Bill> bill(const std::string& data_dir, std::string_view month, const Prices& prices);

// "0.0000166667" and the like, exactly; nothing for more than twelve decimals, signs or anything else.
Result<Picodollars> parse_dollars(std::string_view text);

// "1.234568": rounded half up to `decimals` (0 to 12).
std::string format_dollars(Picodollars amount, int decimals = 6);

}  // namespace lambent::telemetry
