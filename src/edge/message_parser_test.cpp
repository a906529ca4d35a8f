#include "edge/message_parser.h"

#include <gtest/gtest.h>

namespace lambent::edge {
namespace {

TEST(MessageParser, ReadsARequestHead) {
  const HttpLimits limits;
  MessageParser parser(limits);
  RequestHead head;
  const std::string_view text = "GET /a%20b?c=d&e HTTP/1.1\r\nHost: h\r\nX-Two:  spaces \r\n\r\n";
  EXPECT_EQ(parser.parse_request_head(text, head), text.size());
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.path(), "/a%20b");
  EXPECT_EQ(head.query(), "c=d&e");
  EXPECT_EQ(head.headers.get("x-two"), "spaces");
}

}  // namespace
}  // namespace lambent::edge
