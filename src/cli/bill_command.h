// `lambent bill`: what a month's calls would have cost at the prices of a file.
#pragma once

#include <ostream>
#include <string>

namespace lambent::cli {

struct BillOptions {
  std::string data_dir;
  std::string month;        // "2026-11"
  std::string prices_file;  // empty: DATA/prices.toml where it exists, else the built-in prices
  bool json = false;
};

int run_bill(const BillOptions& options, std::ostream& out, std::ostream& err);

// "2026-11" and nothing else.
bool is_month(std::string_view text);

}  // namespace lambent::cli
