#include "telemetry/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace lambent::telemetry {
namespace {

using testing::ElementsAre;

class LineSplitterTest : public testing::Test {
 protected:
  std::vector<std::string> lines_;
  LineSplitter splitter_{10, [this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(LineSplitterTest, FindsTheSameLinesHoweverTheBytesArrive) {
  const std::string text = "one\n\ntwo\r\nexactly10!\nlast";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    lines_.clear();
    for (std::size_t at = 0; at < text.size(); at += step) splitter_.feed(std::string_view(text).substr(at, step));
    EXPECT_EQ(lines_.size(), 4U) << step;
    splitter_.finish();
    EXPECT_THAT(lines_, ElementsAre("one", "", "two", "exactly10!", "last")) << step;
  }
}

TEST_F(LineSplitterTest, CutsALineOverTheLimitAndSaysSo) {
  const std::string text = "0123456789abc\nnext\n" + std::string(1000, 'x');
  for (std::size_t step = 1; step <= text.size(); ++step) {
    lines_.clear();
    for (std::size_t at = 0; at < text.size(); at += step) splitter_.feed(std::string_view(text).substr(at, step));
    splitter_.finish();
    EXPECT_THAT(lines_, ElementsAre("0123456789 [lambent: line cut, 3 bytes dropped]", "next",
                                    "xxxxxxxxxx [lambent: line cut, 990 bytes dropped]"))
        << step;
  }
}

TEST_F(LineSplitterTest, FinishingNothingSaysNothing) {
  splitter_.finish();
  splitter_.feed("a\n");
  splitter_.finish();
  EXPECT_THAT(lines_, ElementsAre("a"));
}

}  // namespace
}  // namespace lambent::telemetry
