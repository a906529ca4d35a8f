#include "invoke/streamed_call.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "net/one_shot.h"

namespace lambent::invoke {
namespace {

// Answers when it is told to.
class SlowInvoker final : public Invoker {
 public:
  net::Task<InvokeResult<Answer>> invoke(Call call) override {
    stream = call.stream;
    co_return co_await answer;
  }
  net::Task<InvokeResult<std::string>> enqueue(Call) override { co_return "never"; }
  InvokeResult<void> check(const Call&) override { return {}; }
  void retire(const catalog::Function&) override {}
  void follow(const catalog::Entry&) override {}
  void forget(const std::string&) override {}
  net::Task<instance::SnapshotOutcome> make_snapshot(catalog::FunctionPtr) override {
    co_return instance::SnapshotOutcome{};
  }
  [[nodiscard]] scheduler::Readiness readiness(const catalog::Function&) const override { return {}; }

  std::shared_ptr<runtime_api::AnswerStream> stream;
  net::OneShot<InvokeResult<Answer>> answer;
};

net::Task<> read(StreamedCall& call, std::vector<std::string>& pieces, bool& ended) {
  while (auto piece = co_await call.next()) pieces.push_back(*std::move(piece));
  ended = true;
  co_await call.close();
}

net::Task<> put(std::shared_ptr<runtime_api::AnswerStream> to, std::string piece) {
  co_await to->put(piece);
}

class StreamedCallTest : public testing::Test {
 protected:
  StreamedCallTest() {
    call.start({});
    scope.spawn(read(call, pieces, ended));
  }
  SlowInvoker invoker;
  StreamedCall call{invoker, 1000};
  net::Scope scope;
  std::vector<std::string> pieces;
  bool ended = false;
};

TEST_F(StreamedCallTest, GivesPiecesWhileTheCallRunsAndThenItsEnd) {
  invoker.stream->begin("text/plain");
  scope.spawn(put(invoker.stream, "one"));
  EXPECT_EQ(pieces, (std::vector<std::string>{"one"}));
  scope.spawn(put(invoker.stream, "two"));
  EXPECT_FALSE(ended);
  invoker.answer.set(Answer{.function_error = ""});
  EXPECT_TRUE(ended);
  EXPECT_EQ(pieces, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(call.content_type(), "text/plain");
}

TEST_F(StreamedCallTest, GivesAnAnswerThatIsNotStreamedAsOnePiece) {
  invoker.answer.set(Answer{.payload = "{}", .function_error = "", .content_type = "application/json"});
  EXPECT_EQ(pieces, (std::vector<std::string>{"{}"}));
  EXPECT_EQ(call.content_type(), "application/json");
  EXPECT_FALSE(call.is_streamed());
}

TEST_F(StreamedCallTest, AnErrorIsNoPiece) {
  invoker.answer.set(Answer{.payload = "{\"errorType\":\"E\"}", .function_error = "Unhandled"});
  EXPECT_TRUE(ended);
  EXPECT_TRUE(pieces.empty());
  EXPECT_EQ(call.result()->function_error, "Unhandled");
}

TEST_F(StreamedCallTest, ARefusalIsNoPiece) {
  invoker.answer.set(std::unexpected(InvokeError{InvokeError::Kind::throttled, "Rate Exceeded."}));
  EXPECT_TRUE(ended);
  EXPECT_FALSE(call.result());
}

}  // namespace
}  // namespace lambent::invoke
