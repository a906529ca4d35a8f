#include "telemetry/log_tail.h"

#include <gtest/gtest.h>

namespace lambent::telemetry {
namespace {

TEST(LogTail, KeepsAShortLogWhole) {
  LogTail tail;
  tail.append("START");
  tail.append("");
  tail.append("REPORT");
  EXPECT_EQ(tail.text(), "START\n\nREPORT\n");
  tail.clear();
  EXPECT_EQ(tail.text(), "");
}

TEST(LogTail, KeepsTheLastBytesOfALongLog) {
  LogTail tail(16);
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string line = "line " + std::to_string(i);
    tail.append(line);
    all += line + "\n";
    EXPECT_EQ(tail.text(), all.substr(all.size() - std::min<std::size_t>(all.size(), 16))) << i;
  }
}

TEST(LogTail, OneHugeLineIsCutAtItsFront) {
  LogTail tail(16);
  tail.append(std::string(1'000'000, 'x') + "0123456789abcde");
  EXPECT_EQ(tail.text(), "0123456789abcde\n");
}

TEST(LogTail, DoesNotBeginWithinACharacter) {
  LogTail tail(4);
  tail.append("aéé");  // 1 + 2 + 2 bytes and a newline; four from the end would begin within the first é
  EXPECT_EQ(tail.text(), "é\n");
}

}  // namespace
}  // namespace lambent::telemetry
