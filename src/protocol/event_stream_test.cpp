#include "protocol/event_stream.h"

#include <gtest/gtest.h>

#include <span>

#include "base/encoding.h"

namespace lambent::protocol {
namespace {

// Read by botocore.eventstream.EventStreamBuffer; the checksums are Python's binascii.crc32.
TEST(EventStream, AMessageHasLengthsHeadersPayloadAndChecksums) {
  const auto message = event_message("E", "t", "ab");
  EXPECT_EQ(hex_encode(std::as_bytes(std::span(message))),
            "0000004a000000385f63271f0b3a6576656e742d74797065070001450d3a636f6e74656e74"
            "2d74797065070001740d3a6d6573736167652d747970650700056576656e74616217059333");
}

}  // namespace
}  // namespace lambent::protocol
