#include "invoke/lineage.h"

#include <gtest/gtest.h>

namespace lambent::invoke {
namespace {

TEST(Lineage, CountsEachFunctionOfAChain) {
  auto lineage = extend_lineage("Root=1-a;Parent=b;Sampled=0", "f");
  EXPECT_TRUE(lineage.trace_header.starts_with("Root=1-a;Parent=b;Sampled=0;Lineage=")) << lineage.trace_header;
  EXPECT_EQ(lineage.count, 1U);
  lineage = extend_lineage(lineage.trace_header, "g");
  EXPECT_EQ(lineage.count, 1U);
  lineage = extend_lineage(lineage.trace_header, "f");
  EXPECT_EQ(lineage.count, 2U);
  EXPECT_EQ(extend_lineage(lineage.trace_header, "g").count, 2U);
  EXPECT_TRUE(lineage.trace_header.starts_with("Root=1-a;Parent=b;Sampled=0;Lineage="));
}

TEST(Lineage, BeginsWhereThereIsNone) {
  EXPECT_TRUE(extend_lineage("", "f").trace_header.starts_with("Lineage="));
}

TEST(Lineage, ReplacesWhatItCannotRead) {
  for (const char* text : {"x", "1a2b", "1a2b:", ":1", "1a2b:1+", "1a2b:-1", "1a2b:99999999999", "zz:1", "1:2:3"}) {
    const auto lineage = extend_lineage(std::string("Root=1-a;Lineage=") + text, "f");
    EXPECT_EQ(lineage.count, 1U) << text;
    EXPECT_EQ(lineage.trace_header.find("Lineage="), 9U) << lineage.trace_header;
  }
}

TEST(Lineage, StaysBounded) {
  std::string header = "Root=1-a";
  for (int i = 0; i < 1000; ++i) header = extend_lineage(header, "f" + std::to_string(i)).trace_header;
  EXPECT_LT(header.size(), 500U);
}

}  // namespace
}  // namespace lambent::invoke
