#include "cli/commands.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "base/clock.h"
#include "base/time_format.h"
#include "cli/backup_command.h"
#include "cli/bill_command.h"
#include "cli/env_command.h"
#include "cli/logs_command.h"

namespace lambent::cli {
namespace {

constexpr const char* kDescription =
    "Lambent runs serverless applications written for AWS Lambda on your own Linux machine: unmodified AWS tools and\n"
    "SDKs deploy and call functions, each instance runs in a sandbox of its own, and every call is metered.";

constexpr const char* kExamples =
    "Examples:\n"
    "  lambent serve --data ./data              start the server on 127.0.0.1:4566\n"
    "  eval \"$(lambent env --data ./data)\"      point aws, boto3 and the SDKs at it\n"
    "  aws lambda list-functions                use it\n"
    "  lambent logs hello --follow              watch what the function hello prints\n"
    "  lambent bill --month 2026-11             what the month's calls would have cost\n"
    "  lambent backup --to /mnt/backup/monday   copy a running server's data folder\n"
    "  lambent doctor                           what this host enforces, and what it does not\n"
    "\n"
    "Every flag of serve can be given as an environment variable (--port: LAMBENT_PORT) and in a TOML file; see\n"
    "lambent serve --help. Exit codes: 0 done, 1 failed, 2 wrong usage.";

std::optional<std::string> environment_variable(const std::string& name) {
  // The command line is one thread.
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool wait_for_more() {
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  return true;
}

void add_data_option(CLI::App& command, std::string& data_dir) {
  data_dir = environment_variable("LAMBENT_DATA").value_or("./data");
  command.add_option("--data", data_dir, "The server's data folder (LAMBENT_DATA; default: ./data)")->type_name("DIR");
}

// The command line as CLI11 sees it: filled by parse(), acted on by act().
class CommandLine {
 public:
  explicit CommandLine(const Commands& commands) : commands_(commands) {
    app_.require_subcommand(1);
    app_.get_formatter()->column_width(44);
    add_serve();
    add_env();
    add_logs();
    add_bill();
    add_backup();
    add_doctor();
    version_ = app_.add_subcommand("version", "Print the version");
    app_.set_version_flag("--version", "lambent " + commands_.version, "Print the version");
    // Only now: a command added later would show it too.
    app_.footer(kExamples);
  }

  int parse(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
      return act();
    } catch (const CLI::ParseError& outcome) {
      // Help is a ParseError of code 0.
      return app_.exit(outcome, std::cout, std::cerr) == 0 ? kDone : kUsage;
    }
  }

 private:
  void add_serve() {
    serve_ = app_.add_subcommand("serve", "Start the server");
    add_flags(*serve_, commands_.serve_flags, serve_values_);
  }

  void add_doctor() {
    doctor_ = app_.add_subcommand("doctor", "Show which protections this host enforces, and how to get the others");
    doctor_->add_flag("--json", doctor_json_, "As JSON");
    add_flags(*doctor_, commands_.doctor_flags, doctor_values_);
  }

  using Values = std::vector<std::vector<std::string>>;  // of flags, in their order

  static void add_flags(CLI::App& command, const std::vector<FlagSpec>& flags, Values& values) {
    values.resize(flags.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const FlagSpec& flag = flags[i];
      if (flag.value_name.empty()) {
        command.add_flag_callback(flag.name, [&values, i] { values[i] = {"true"}; }, flag.help)->group(flag.group);
        continue;
      }
      CLI::Option* option = command.add_option(flag.name, values[i], flag.help)->group(flag.group);
      option->type_name(flag.value_name)
          ->expected(1)
          ->multi_option_policy(flag.repeatable ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::Throw);
    }
  }

  void add_env() {
    env_ = app_.add_subcommand("env", "Print the shell variables that point AWS's tools at the server");
    add_data_option(*env_, env_data_);
  }

  void add_logs() {
    logs_ = app_.add_subcommand("logs", "Show what a function printed");
    logs_->add_option("NAME", logs_options_.function, "The function's name")->required()->type_name("");
    logs_->add_flag("-f,--follow", logs_options_.follow, "Go on with new lines as they come");
    logs_->add_option("-n,--lines", logs_options_.lines, "Lines from the end (default: 100)")
        ->check(CLI::Range(0, 1'000'000))
        ->type_name("N");
    add_data_option(*logs_, logs_options_.data_dir);
  }

  void add_bill() {
    bill_ = app_.add_subcommand("bill", "Sum up a month's calls at AWS's prices");
    bill_options_.month = format_month(SystemClock().wall());
    bill_->add_option("--month", bill_options_.month, "The month, e.g. 2026-11 (default: this month, UTC)")
        ->type_name("YYYY-MM");
    bill_->add_flag("--json", bill_options_.json, "As JSON, amounts exact");
    bill_
        ->add_option("--prices", bill_options_.prices_file,
                     "Price file (default: prices.toml in the data folder, else AWS us-east-1)")
        ->type_name("FILE");
    add_data_option(*bill_, bill_options_.data_dir);
  }

  void add_backup() {
    backup_ = app_.add_subcommand("backup", "Copy the data folder of a running server, as it is at one moment");
    backup_->add_option("--to", backup_options_.to, "The folder to make, best on another disk")
        ->required()
        ->type_name("FOLDER");
    backup_->add_option("--endpoint", backup_options_.endpoint, "The server's address (default: as in DIR/endpoint)")
        ->type_name("URL");
    add_data_option(*backup_, backup_options_.data_dir);
  }

  int act() {
    if (serve_->parsed()) return commands_.serve(given_flags(commands_.serve_flags, serve_values_));
    if (doctor_->parsed()) {
      return commands_.doctor(given_flags(commands_.doctor_flags, doctor_values_), doctor_json_);
    }
    if (env_->parsed()) return run_env(env_data_, environment_variable, std::cout, std::cerr);
    if (logs_->parsed()) {
      logs_options_.escape = isatty(STDOUT_FILENO) == 1;
      return run_logs(logs_options_, wait_for_more, std::cout, std::cerr);
    }
    if (bill_->parsed()) return run_bill(bill_options_, std::cout, std::cerr);
    if (backup_->parsed()) {
      const SystemClock clock;
      backup_options_.shows_progress = isatty(STDERR_FILENO) == 1;
      const auto ask = [&](const OperatorRequest& request) { return post_to_operator(request, clock.wall()); };
      return run_backup(backup_options_, environment_variable, ask, clock, std::cout, std::cerr);
    }
    std::cout << app_.version() << '\n';
    return kDone;
  }

  static std::vector<FlagValue> given_flags(const std::vector<FlagSpec>& flags, const Values& values) {
    std::vector<FlagValue> given;
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (const std::string& value : values[i]) given.push_back({flags[i].name, value});
    }
    return given;
  }

  const Commands& commands_;
  CLI::App app_{kDescription, "lambent"};
  CLI::App* serve_ = nullptr;
  CLI::App* env_ = nullptr;
  CLI::App* logs_ = nullptr;
  CLI::App* bill_ = nullptr;
  CLI::App* backup_ = nullptr;
  CLI::App* version_ = nullptr;
  CLI::App* doctor_ = nullptr;
  Values serve_values_;
  Values doctor_values_;
  bool doctor_json_ = false;
  std::string env_data_;
  LogsOptions logs_options_;
  BillOptions bill_options_;
  BackupOptions backup_options_;
};

}  // namespace

int run(int argc, char** argv, const Commands& commands) {
  // Started by serve, for whose sake nothing else is set up.
  if (argc >= 2 && std::string_view(argv[1]) == "spawner") {
    return commands.spawner(std::vector<std::string>(argv + 2, argv + argc));
  }
  if (argc >= 2 && std::string_view(argv[1]) == "egress") {
    return commands.egress(std::vector<std::string>(argv + 2, argv + argc));
  }
  if (argc >= 2 && std::string_view(argv[1]) == "seccomp") {
    return commands.seccomp(std::vector<std::string>(argv + 2, argv + argc));
  }
  return CommandLine(commands).parse(argc, argv);
}

}  // namespace lambent::cli
