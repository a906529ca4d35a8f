#include "runtime_api/answer_stream.h"

#include <gtest/gtest.h>

#include <vector>

#include "net/scope.h"

namespace lambent::runtime_api {
namespace {

net::Task<> write_all(AnswerStream& stream, std::vector<std::string> pieces, int& written) {
  for (const auto& piece : pieces) {
    if (!co_await stream.put(piece)) co_return;
    written++;
  }
}

net::Task<> read_all(AnswerStream& stream, std::string& out, bool& ended) {
  while (auto piece = co_await stream.take()) out += *piece;
  ended = true;
}

TEST(AnswerStream, PassesPiecesOnInOrderAndEnds) {
  AnswerStream stream(100);
  net::Scope scope;
  std::string read;
  bool ended = false;
  int written = 0;
  scope.spawn(read_all(stream, read, ended));
  stream.begin("text/plain");
  scope.spawn(write_all(stream, {"one ", "two ", "three"}, written));
  EXPECT_EQ(written, 3);
  EXPECT_FALSE(ended);
  stream.close();
  EXPECT_TRUE(ended);
  EXPECT_EQ(read, "one two three");
  EXPECT_TRUE(stream.has_begun());
}

TEST(AnswerStream, AWriterWaitsForASlowReader) {
  AnswerStream stream(100, 4);
  net::Scope scope;
  int written = 0;
  scope.spawn(write_all(stream, {"1234", "5", "6789"}, written));
  EXPECT_EQ(written, 1);  // the second one is held, and waits
  std::string read;
  bool ended = false;
  scope.spawn(read_all(stream, read, ended));
  EXPECT_EQ(written, 3);
  stream.close();
  EXPECT_EQ(read, "123456789");
}

TEST(AnswerStream, AWriterGoesOnWhereTheReaderHasGone) {
  AnswerStream stream(100, 4);
  net::Scope scope;
  int written = 0;
  scope.spawn(write_all(stream, {"12345", "12345", "12345"}, written));
  EXPECT_EQ(written, 0);
  stream.abandon();
  EXPECT_EQ(written, 3);
}

TEST(AnswerStream, AWriterIsReleasedByTheEndOfTheCallAndWhatItWroteIsRead) {
  AnswerStream stream(100, 4);
  net::Scope scope;
  int written = 0;
  scope.spawn(write_all(stream, {"12345", "678"}, written));
  stream.close();
  EXPECT_EQ(written, 2);
  std::string read;
  bool ended = false;
  scope.spawn(read_all(stream, read, ended));
  EXPECT_EQ(read, "12345");
  EXPECT_TRUE(ended);
}

TEST(AnswerStream, RefusesWhatIsOverTheLimit) {
  AnswerStream stream(5);
  net::Scope scope;
  int written = 0;
  scope.spawn(write_all(stream, {"123", "456"}, written));
  EXPECT_EQ(written, 1);
}

}  // namespace
}  // namespace lambent::runtime_api
