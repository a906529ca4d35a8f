#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "base/files.h"
#include "cli/backup_command.h"
#include "cli/bill_command.h"
#include "cli/commands.h"
#include "cli/endpoint_file.h"
#include "cli/env_command.h"
#include "cli/logs_command.h"
#include "telemetry/log_store.h"
#include "telemetry/usage_ledger.h"

namespace lambent::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "cli-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // Runs the whole command line and keeps what it printed.
  int call(std::vector<std::string> words) {
    words.insert(words.begin(), "lambent");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run(static_cast<int>(argv.size()), argv.data(), commands_);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }
  int env(const std::map<std::string, std::string>& variables = {}) {
    std::ostringstream out, err;
    const auto lookup = [&](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    const int code = run_env(dir_, lookup, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  void write_credentials() {
    ASSERT_TRUE(write_file_durably(
        dir_ + "/credentials", "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = it's+secret\n", 0600));
  }

  std::string dir_, out_, err_;
  FakeClock clock_;
  std::vector<FlagValue> served_;
  std::vector<std::string> spawned_;
  std::vector<std::string> listed_;
  Commands commands_{.version = "1.2.3",
                     .serve_flags = {{"--port", "N", "The port", "Server"},
                                     {"--print-config", "", "Print", "Server"},
                                     {"--runtime", "R=P", "A runtime", "Server", true}},
                     .serve =
                         [this](const std::vector<FlagValue>& flags) {
                           served_ = flags;
                           return 7;
                         },
                     .spawner =
                         [this](const std::vector<std::string>& arguments) {
                           spawned_ = arguments;
                           return 8;
                         },
                     .seccomp =
                         [this](const std::vector<std::string>& arguments) {
                           listed_ = arguments;
                           return 9;
                         }};
};

TEST_F(Cli, HelpExplainsWithExamples) {
  EXPECT_EQ(call({"--help"}), kDone);
  for (const char* text :
       {"lambent serve --data ./data", "eval \"$(lambent env", "logs", "bill", "backup", "version"}) {
    EXPECT_THAT(out_, HasSubstr(text));
  }
  EXPECT_THAT(out_, testing::Not(HasSubstr("spawner")));
  EXPECT_EQ(call({"serve", "--help"}), kDone);
  EXPECT_THAT(out_, HasSubstr("--port"));
}

TEST_F(Cli, WrongUsageIsTwo) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"nonsense"},
                                             {"serve", "--prot", "1"},
                                             {"serve", "--port"},
                                             {"serve", "--port", "1", "--port", "2"},
                                             {"serve", "extra"},
                                             {"logs"},
                                             {"backup"},
                                             {"logs", "hello", "--lines", "-1"},
                                             {"logs", "hello", "--lines", "many"},
                                             {"bill", "--month", "November"},
                                             {"bill", "--month", "2026-13"}}) {
    EXPECT_EQ(call(words), kUsage) << testing::PrintToString(words);
    EXPECT_FALSE(err_.empty());
  }
  EXPECT_TRUE(served_.empty());
}

TEST_F(Cli, ServeGetsItsFlagsAndGivesTheExitCode) {
  EXPECT_EQ(call({"serve", "--port=0", "--runtime", "a=/b", "--print-config", "--runtime", "c=/d"}), 7);
  std::vector<std::string> given;
  for (const FlagValue& flag : served_) given.push_back(flag.name + " " + flag.value);
  EXPECT_THAT(given, ElementsAre("--port 0", "--print-config true", "--runtime a=/b", "--runtime c=/d"));
}

TEST_F(Cli, HiddenCommandsGetTheirArgumentsUntouched) {
  EXPECT_EQ(call({"spawner", "--help", "-x", ""}), 8);
  EXPECT_THAT(spawned_, ElementsAre("--help", "-x", ""));
  EXPECT_EQ(call({"seccomp", "python"}), 9);
  EXPECT_THAT(listed_, ElementsAre("python"));
}

TEST_F(Cli, VersionIsPrintedByCommandAndByFlag) {
  for (const char* word : {"version", "--version"}) {
    EXPECT_EQ(call({word}), kDone);
    EXPECT_EQ(out_, "lambent 1.2.3\n");
  }
}

TEST_F(Cli, EndpointFilesRoundTrip) {
  const Endpoint written{"http://127.0.0.1:4566", "us-east-1", "000000000000", 42, "AKIA1"};
  ASSERT_TRUE(write_endpoint(dir_, written));
  const auto read = read_endpoint(dir_);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->url, written.url);
  EXPECT_EQ(read->region, written.region);
  EXPECT_EQ(read->account_id, written.account_id);
  EXPECT_EQ(read->pid, written.pid);
  EXPECT_EQ(read->root_access_key, written.root_access_key);
  ASSERT_TRUE(write_file_durably(dir_ + "/endpoint", "nonsense\n=\n"));
  EXPECT_FALSE(read_endpoint(dir_));
}

TEST_F(Cli, EnvPrintsWhatAShellCanEvaluate) {
  ASSERT_TRUE(write_endpoint(dir_, {"http://127.0.0.1:4566", "eu-west-1", "000000000000", getpid(), "AKIA1"}));
  write_credentials();
  ASSERT_EQ(env(), kDone) << err_;
  EXPECT_EQ(out_,
            "export AWS_ENDPOINT_URL='http://127.0.0.1:4566'\n"
            "export AWS_ACCESS_KEY_ID='AKIA1'\n"
            "export AWS_SECRET_ACCESS_KEY='it'\\''s+secret'\n"
            "export AWS_REGION='eu-west-1'\n"
            "export AWS_DEFAULT_REGION='eu-west-1'\n"
            "unset AWS_SESSION_TOKEN\n");
  EXPECT_EQ(err_, "");
}

TEST_F(Cli, EnvSaysWhenNoServerHasRun) {
  EXPECT_EQ(env(), kFailed);
  EXPECT_THAT(err_, HasSubstr("no server has run with this data folder; start one: lambent serve --data " + dir_));
  EXPECT_EQ(out_, "");
}

TEST_F(Cli, EnvWarnsWhenTheServerHasEnded) {
  ASSERT_TRUE(write_endpoint(dir_, {"http://127.0.0.1:4566", "r", "000000000000", 0, "AKIA1"}));
  write_credentials();
  EXPECT_EQ(env(), kDone);
  EXPECT_THAT(err_, HasSubstr("not running now"));
}

TEST_F(Cli, EnvNeedsTheKeysTheServerWasGiven) {
  ASSERT_TRUE(write_endpoint(dir_, {"http://127.0.0.1:4566", "r", "000000000000", getpid(), "given"}));
  EXPECT_EQ(env(), kFailed);
  EXPECT_THAT(err_, HasSubstr("set LAMBENT_ROOT_ACCESS_KEY and LAMBENT_ROOT_SECRET_KEY to the same ones"));
  write_credentials();
  EXPECT_EQ(env(), kFailed);
  EXPECT_EQ(env({{"LAMBENT_ROOT_ACCESS_KEY", "given"}, {"LAMBENT_ROOT_SECRET_KEY", "hush"}}), kDone);
  EXPECT_THAT(out_, HasSubstr("AWS_SECRET_ACCESS_KEY='hush'"));
}

TEST_F(Cli, LogsShowTheLastLines) {
  telemetry::LogStore store(dir_, clock_, {});
  for (int i = 0; i < 5; ++i) store.append("hello", "s", "line " + std::to_string(i));
  store.flush();
  EXPECT_EQ(call({"logs", "hello", "--lines", "2", "--data", dir_}), kDone);
  EXPECT_EQ(out_, "2027-01-15T08:00:00.000Z line 3\n2027-01-15T08:00:00.000Z line 4\n");
  EXPECT_EQ(call({"logs", "other", "--data", dir_}), kFailed);
  EXPECT_THAT(err_, HasSubstr("no logs of a function other"));
}

TEST_F(Cli, LogsFollowNewLines) {
  telemetry::LogStore store(dir_, clock_, {});
  int rounds = 0;
  std::ostringstream out, err;
  const auto pause = [&] {
    store.append("hello", "s", "round " + std::to_string(rounds));
    store.flush();
    return ++rounds <= 3;
  };
  EXPECT_EQ(run_logs({.data_dir = dir_, .function = "hello", .follow = true}, pause, out, err), kDone) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("round 0\n"));
  EXPECT_THAT(out.str(), HasSubstr("round 2\n"));
}

TEST_F(Cli, LogsOnATerminalAreHarmless) {
  const telemetry::LogEvent event{0, "s", "\x1b[31mred\x07\ttab \xC2\x9B é", false};
  EXPECT_EQ(log_line(event, true), "1970-01-01T00:00:00.000Z \\x1b[31mred\\x07\ttab \\u009b é");
  EXPECT_EQ(log_line(event, false), "1970-01-01T00:00:00.000Z " + event.text);
}

TEST_F(Cli, AFunctionsLineCannotPassForThePlatforms) {
  const auto shown = [](const char* text, bool platform) {
    return log_line({0, "s", text, platform}, true).substr(std::string("1970-01-01T00:00:00.000Z ").size());
  };
  EXPECT_EQ(shown("START RequestId: 1 Version: $LATEST", true), "START RequestId: 1 Version: $LATEST");
  EXPECT_EQ(shown("START RequestId: 1 Version: $LATEST", false), "[function] START RequestId: 1 Version: $LATEST");
  EXPECT_EQ(shown("2026-01-01T00:00:00.000Z 1 Task timed out after 3.00 seconds", false).substr(0, 11), "[function] ");
  EXPECT_EQ(shown(R"({"time":"2026-01-01T00:00:00.000Z","type":"platform.report"})", false).substr(0, 11),
            "[function] ");
  EXPECT_EQ(shown("[function] START", false), "[function] START");
  EXPECT_EQ(shown("a START of its own", false), "a START of its own");
  EXPECT_EQ(shown("\xE2\x80\x8BSTART RequestId: 1", false), "[function] \\xe2\\x80\\x8bSTART RequestId: 1")
      << "an invisible character before it";
  EXPECT_EQ(shown("\xE2\x80\xAE"
                  "txt \xE2\x82\xAC",
                  false),
            "\\xe2\\x80\\xaetxt \xE2\x82\xAC")
      << "a change of direction";
}

class BillCommand : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    auto ledger = telemetry::UsageLedger::open(dir_);
    ASSERT_TRUE(ledger);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE((*ledger)->append({.time_ms = 1'795'412'040'000,  // 2026-11-23
                                     .function = "hello",
                                     .billed_ms = 1000,
                                     .memory_mb = 1024,
                                     .result = i == 0 ? telemetry::CallResult::timeout : telemetry::CallResult::ok}));
    }
  }
};

TEST_F(BillCommand, SumsTheMonth) {
  EXPECT_EQ(call({"bill", "--month", "2026-11", "--data", dir_}), kDone) << err_;
  EXPECT_THAT(out_, testing::ContainsRegex("hello +3 +1 +3000 +3.000 +0.000051\n"));
  EXPECT_THAT(out_, testing::ContainsRegex("free tier +-0.000051\n"));
  EXPECT_THAT(out_, testing::ContainsRegex("to pay +0.000000\n"));
  EXPECT_EQ(call({"bill", "--month", "2026-10", "--data", dir_}), kDone);
  EXPECT_THAT(out_, testing::Not(HasSubstr("hello")));
}

TEST_F(BillCommand, JsonIsExact) {
  EXPECT_EQ(call({"bill", "--month", "2026-11", "--json", "--data", dir_}), kDone) << err_;
  EXPECT_THAT(out_, HasSubstr(R"("month":"2026-11")"));
  EXPECT_THAT(out_,
              HasSubstr(R"("function":"hello","requests":3,"errors":1,"billedMs":3000,"mbMs":{"x86_64":3072000)"));
  EXPECT_THAT(out_, HasSubstr(R"("duration":"0.000050000100")"));
  EXPECT_THAT(out_, HasSubstr(R"("toPayUsd":"0.000000000000")"));
}

TEST_F(BillCommand, OtherPricesCanBeGiven) {
  const std::string prices =
      "name = 'Mine'\nsource = 'me'\ndate = 'today'\n[requests]\nper_million = '1000000'\nfree_each_month = 0\n"
      "[duration]\nx86_64_per_gb_second = '2'\narm64_per_gb_second = '2'\nfree_gb_seconds_each_month = 0\n"
      "[tmp]\nper_gb_second = '0'\nfree_mb = 512\n";
  ASSERT_TRUE(write_file_durably(dir_ + "/prices.toml", prices));
  EXPECT_EQ(call({"bill", "--month", "2026-11", "--data", dir_}), kDone) << err_;
  EXPECT_THAT(out_, testing::ContainsRegex("to pay +9.000000\n"));
  EXPECT_EQ(call({"bill", "--prices", dir_ + "/missing.toml", "--data", dir_}), kFailed);
  EXPECT_THAT(err_, HasSubstr("missing.toml"));
}

class BackupCommand : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    ASSERT_TRUE(make_folders(dir_ + "/data"));
    ASSERT_TRUE(write_endpoint(dir_ + "/data", {"http://127.0.0.1:1", "eu-west-1", "000000000000", 0, "AKIA1"}));
    ASSERT_TRUE(write_file_durably(dir_ + "/data/credentials",
                                   "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = secret12\n", 0600));
  }
  // What the server does: the folder stands in the data folder.
  Result<std::string> make(const OperatorRequest& request) {
    asked_ = request;
    EXPECT_TRUE(make_folders(made_ + "/store"));
    EXPECT_TRUE(write_file_durably(made_ + "/credentials", "keys", 0600));
    EXPECT_TRUE(write_file_durably(made_ + "/store/table", std::string(3'000'000, 'x'), 0644));
    std::filesystem::create_symlink("/etc/hostname", made_ + "/link");
    return made_;
  }
  int back_up(BackupOptions options, const AskOperator& ask) {
    std::ostringstream out, err;
    options.data_dir = dir_ + "/data";
    const auto no_variable = [](const std::string&) { return std::optional<std::string>(); };
    const int code = run_backup(options, no_variable, ask, clock_, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  int back_up(BackupOptions options) {
    return back_up(std::move(options), [this](const OperatorRequest& request) { return make(request); });
  }
  std::vector<std::string> in_folder() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  std::string made_;
  OperatorRequest asked_;
};

TEST_F(BackupCommand, CopiesWhatTheServerMadeAndRemovesItThere) {
  made_ = dir_ + "/data/backups/20261123T181500Z";
  ASSERT_EQ(back_up({.data_dir = {}, .to = dir_ + "/copy/", .endpoint = {}, .shows_progress = true}), kDone) << err_;
  EXPECT_EQ(out_, dir_ + "/copy: 2 files, 3.0 MB\n");
  EXPECT_THAT(err_, testing::ContainsRegex("copied .* of 3.0 MB"));
  EXPECT_EQ(*read_file(dir_ + "/copy/credentials"), "keys");
  EXPECT_EQ(read_file(dir_ + "/copy/store/table")->size(), 3'000'000);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/copy/link")) << "a link leads out of the folder";
  EXPECT_FALSE(std::filesystem::exists(made_));
  EXPECT_THAT(in_folder(), ElementsAre("copy", "data"));
  EXPECT_EQ(asked_.url + asked_.path, "http://127.0.0.1:1/backup");
  EXPECT_EQ(asked_.region + asked_.keys.access_key_id, "eu-west-1AKIA1");
  EXPECT_EQ(back_up({.data_dir = {}, .to = dir_ + "/other", .endpoint = "http://127.0.0.1:2"}), kDone) << err_;
  EXPECT_EQ(asked_.url, "http://127.0.0.1:2");
  EXPECT_EQ(err_, "") << "progress is for terminals";
}

TEST_F(BackupCommand, RefusesAFolderThatCannotBeMadeBeforeTheServerIsAsked) {
  const auto never = [](const OperatorRequest&) -> Result<std::string> {
    ADD_FAILURE();
    return "";
  };
  EXPECT_EQ(back_up({.data_dir = {}, .to = dir_ + "/data"}, never), kFailed);
  EXPECT_THAT(err_, HasSubstr("it exists already; name a new folder"));
  EXPECT_EQ(back_up({.data_dir = {}, .to = dir_ + "/a/b"}, never), kFailed);
  EXPECT_THAT(err_, HasSubstr("there is no folder " + dir_ + "/a"));
  ASSERT_TRUE(make_folders(dir_ + "/copy.unfinished"));
  EXPECT_EQ(back_up({.data_dir = {}, .to = dir_ + "/copy"}, never), kFailed);
  EXPECT_THAT(err_, HasSubstr("copy.unfinished; remove it first"));
}

TEST_F(BackupCommand, SaysWhatTheServerSaysAndLeavesNothing) {
  const auto answers = [](const std::string& text) {
    return [text](const OperatorRequest&) -> Result<std::string> { return text; };
  };
  const auto fails = [](const OperatorRequest&) -> Result<std::string> {
    return fail(Error::of("ask", "http://x", "A backup is being made already"));
  };
  EXPECT_EQ(back_up({.data_dir = {}, .to = dir_ + "/copy"}, fails), kFailed);
  EXPECT_EQ(err_, "lambent backup: ask http://x: A backup is being made already\n");
  EXPECT_EQ(back_up({.data_dir = {}, .to = dir_ + "/copy"}, answers("/etc")), kFailed);
  EXPECT_THAT(err_, HasSubstr("/etc: it names no backup"));
  EXPECT_EQ(back_up({.data_dir = {}, .to = dir_ + "/copy"}, answers("/far/backups/20261123T181500Z")), kFailed);
  EXPECT_THAT(err_, HasSubstr("on another machine"));
  EXPECT_THAT(in_folder(), ElementsAre("data"));
  EXPECT_EQ(call({"backup", "--to", dir_ + "/copy", "--data", dir_ + "/data"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("reach the server at http://127.0.0.1:1: Connection refused"));
  EXPECT_EQ(call({"backup", "--to", dir_ + "/copy", "--data", dir_ + "/data", "--endpoint", "https://x"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("it is of the form http://127.0.0.1:4566"));
}

}  // namespace
}  // namespace lambent::cli
