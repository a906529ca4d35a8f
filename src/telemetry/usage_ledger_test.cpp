#include "telemetry/usage_ledger.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/files.h"
#include "telemetry/usage_record.h"

namespace lambent::telemetry {
namespace {

constexpr std::int64_t kNovember = 1'795'412'040'000;  // 2026-11-23T05:34:00Z
constexpr std::int64_t kDay = 86'400'000;

UsageRecord sample(int n, std::int64_t time_ms = kNovember) {
  return {.time_ms = time_ms,
          .function = "hello-" + std::to_string(n % 7),
          .version = "$LATEST",
          .request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
          .billed_ms = static_cast<std::uint32_t>(n),
          .init_ms = 7,
          .memory_mb = 128,
          .tmp_mb = 1024,
          .architecture = n % 2 == 0 ? Architecture::x86_64 : Architecture::arm64,
          .result = static_cast<CallResult>(n % 7)};
}

class Ledger : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "ledger-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<UsageLedger> open() {
    auto ledger = UsageLedger::open(dir_);
    EXPECT_TRUE(ledger) << ledger.error().message();
    return *std::move(ledger);
  }
  std::vector<UsageRecord> read(std::string_view month = "2026-11", std::uint64_t damaged = 0) {
    std::vector<UsageRecord> records;
    const auto summary = read_usage(dir_, month, [&](const UsageRecord& record) { records.push_back(record); });
    EXPECT_TRUE(summary);
    EXPECT_EQ(summary->damaged, damaged);
    EXPECT_EQ(summary->records, records.size());
    return records;
  }
  [[nodiscard]] std::string path() const { return ledger_path(dir_, "2026-11"); }

  std::string dir_;
};

TEST_F(Ledger, GivesBackWhatWasAppended) {
  auto ledger = open();
  std::vector<UsageRecord> written;
  for (int i = 0; i < 3000; ++i) {
    written.push_back(sample(i));
    ASSERT_TRUE(ledger->append(written.back()));
  }
  EXPECT_EQ(read(), written);
  EXPECT_EQ(ledger->appended(), 3000U);
  EXPECT_EQ(std::filesystem::file_size(path()), 3000U * kUsageRecordBytes);
  EXPECT_TRUE(read("2026-12").empty());
}

TEST_F(Ledger, EachMonthHasItsFile) {
  auto ledger = open();
  ASSERT_TRUE(ledger->append(sample(1, kNovember)));
  ASSERT_TRUE(ledger->append(sample(2, kNovember + 7 * kDay)));   // 30 November
  ASSERT_TRUE(ledger->append(sample(3, kNovember + 8 * kDay)));   // 1 December
  ASSERT_TRUE(ledger->append(sample(4, kNovember)));              // the clock was set back
  ASSERT_TRUE(ledger->append(sample(5, kNovember + 40 * kDay)));  // 2 January
  EXPECT_EQ(read("2026-11").size(), 3U);
  EXPECT_EQ(read("2026-12").size(), 1U);
  EXPECT_EQ(read("2027-01").size(), 1U);
  EXPECT_TRUE(ledger->sync());
}

TEST_F(Ledger, ATornEndIsCutAtEveryLength) {
  for (std::size_t torn = 1; torn < kUsageRecordBytes; torn += 5) {
    std::filesystem::remove(path());
    ASSERT_TRUE(open()->append(sample(1)));
    ASSERT_TRUE(open()->append(sample(2)));
    std::filesystem::resize_file(path(), kUsageRecordBytes + torn);
    EXPECT_EQ(read("2026-11", 1).size(), 1U);
    ASSERT_TRUE(open()->append(sample(3)));
    EXPECT_EQ(read(), (std::vector<UsageRecord>{sample(1), sample(3)})) << torn;
  }
}

TEST_F(Ledger, ZeroesAtTheEndAsAPowerCutLeavesThemAreCut) {
  ASSERT_TRUE(open()->append(sample(1)));
  std::filesystem::resize_file(path(), 5 * kUsageRecordBytes + 3);
  ASSERT_TRUE(open()->append(sample(2)));
  EXPECT_EQ(read(), (std::vector<UsageRecord>{sample(1), sample(2)}));
}

TEST_F(Ledger, ADamagedRecordInTheMiddleIsSkippedAndCounted) {
  auto ledger = open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ledger->append(sample(i)));
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(2 * kUsageRecordBytes + 50);
  file.put('!');
  file.close();
  const auto records = read("2026-11", 1);
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[2], sample(3));
}

TEST_F(Ledger, EveryFlippedBitIsFound) {
  const auto bytes = encode_usage(sample(3));
  const std::string good(bytes.data(), bytes.size());
  ASSERT_EQ(decode_usage(good), sample(3));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_usage(bad)) << bit;
  }
  EXPECT_FALSE(decode_usage(good.substr(1)));
  EXPECT_FALSE(decode_usage(""));
}

TEST_F(Ledger, LongTextsAreCutNotRefused) {
  UsageRecord record = sample(1);
  record.function = std::string(300, 'f');
  record.version = std::string(300, 'v');
  record.request_id = std::string(300, 'r');
  ASSERT_TRUE(open()->append(record));
  const auto records = read();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].function, std::string(64, 'f'));
  EXPECT_EQ(records[0].version, std::string(24, 'v'));
  EXPECT_EQ(records[0].request_id, std::string(40, 'r'));
}

TEST_F(Ledger, AKilledProcessLosesNothingItAppended) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto ledger = UsageLedger::open(dir_);
    for (int i = 0; i < 500; ++i) {
      if (!(*ledger)->append(sample(i))) _exit(1);
    }
    (void)!write(ready[1], "x", 1);
    pause();
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  EXPECT_EQ(read().size(), 500U);
}

TEST_F(Ledger, AFullDiskIsToldAndCountedAndLeavesNoHalfRecord) {
  auto ledger = open();
  ASSERT_TRUE(ledger->append(sample(1)));
  // A file size limit in the middle of the next record stands for the full disk.
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{kUsageRecordBytes + 60, kUsageRecordBytes + 60};
    setrlimit(RLIMIT_FSIZE, &limit);
    const bool told = !ledger->append(sample(2)) && !ledger->append(sample(3));
    _exit(told && ledger->failed() == 2 && ledger->appended() == 1 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::filesystem::file_size(path()), kUsageRecordBytes);
  EXPECT_EQ(read().size(), 1U);
}

TEST_F(Ledger, AFolderThatCannotBeMadeIsAnError) {
  ASSERT_TRUE(write_file_durably(dir_ + "/usage", "a file"));
  auto ledger = UsageLedger::open(dir_);
  EXPECT_TRUE(!ledger || !(*ledger)->append(sample(1)));
}

TEST_F(Ledger, SyncsBesideAppends) {
  auto ledger = open();
  std::atomic<bool> stop{false};
  std::thread syncer([&] {
    while (!stop) EXPECT_TRUE(ledger->sync());
  });
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(ledger->append(sample(i, i % 100 == 0 ? kNovember + 30 * kDay : kNovember)));
  }
  stop = true;
  syncer.join();
  EXPECT_TRUE(ledger->sync());
  EXPECT_EQ(read().size() + read("2026-12").size(), 2000U);
}

}  // namespace
}  // namespace lambent::telemetry
