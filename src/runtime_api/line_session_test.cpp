#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "net/one_shot.h"
#include "net/scope.h"
#include "runtime_api/session.h"

namespace lambent::runtime_api {
namespace {

constexpr std::string_view kId = "11111111-2222-4333-8444-555555555555";
constexpr std::string_view kJson = "application/json";
constexpr std::size_t kCallHead = 28;

enum Kind : std::uint8_t { kWaiting = 1, kResponse, kError, kInitError, kStreamBegin, kStreamPart, kStreamEnd };

std::string frame(Kind kind, bool is_waiting, std::string_view id, std::string_view type, std::string_view body) {
  std::string out;
  const auto append = [&out](auto number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out.append(bytes, sizeof number);
  };
  append(static_cast<std::uint8_t>(kind));
  append(static_cast<std::uint8_t>(is_waiting ? 1 : 0));
  append(static_cast<std::uint16_t>(id.size()));
  append(static_cast<std::uint16_t>(type.size()));
  append(std::uint16_t{0});
  append(static_cast<std::uint32_t>(body.size()));
  return out.append(id).append(type).append(body);
}

std::string waiting() {
  return frame(kWaiting, true, {}, {}, {});
}

// Hands out the same call each time the runtime waits.
class RecordingObserver final : public Observer {
 public:
  void on_waiting() override {
    waited++;
    if (!delivers) return;
    session->deliver({.request_id = std::string(kId),
                      .payload = payload,
                      .client_context = "{}",
                      .trace_header = "Root=1-x",
                      .invoked_arn = "arn",
                      .deadline = Wall(std::chrono::milliseconds(1'800'000'000'123)),
                      .stream = stream});
  }
  void on_answer(Answer answer) override { answers.push_back(std::move(answer)); }
  void on_init_error(Answer error) override { init_errors.push_back(std::move(error)); }
  void on_lost() override { lost++; }

  Session* session = nullptr;
  std::string payload = R"({"n":1})";
  std::shared_ptr<AnswerStream> stream;
  bool delivers = true;
  int waited = 0;
  std::vector<Answer> answers;
  std::vector<Answer> init_errors;
  int lost = 0;
};

class LineSessionTest : public testing::Test {
 protected:
  LineSessionTest() {
    limits_.sync_payload_bytes = 1000;
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    runtime_ = UniqueFd(ends[1]);
    session_ = make_line_session(loop_, net::Stream(loop_, UniqueFd(ends[0])), observer_, limits_);
    observer_.session = session_.get();
  }

  void say(std::string_view bytes) {
    ASSERT_EQ(write(runtime_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::string hear() {
    std::string bytes(1 << 20, '\0');
    const ssize_t n = recv(runtime_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }
  // Says each in turn, and lets the session have it.
  void talk(std::vector<std::string> frames) {
    scope_.spawn(talk_and_end(std::move(frames)));
    loop_.run();
  }

  net::Loop loop_;
  Limits limits_;
  RecordingObserver observer_;
  UniqueFd runtime_;
  std::unique_ptr<Session> session_;
  std::optional<Invocation> undelivered_;
  std::string heard_;
  net::Scope scope_;

 protected:
  net::Task<> end_before_the_call() {
    co_await turns();
    say(waiting());
    co_await turns();
    runtime_.reset();
    session_->deliver({.request_id = "7", .payload = "{}"});
    co_await session_->stopped();
    loop_.post([this] { loop_.stop(); });
  }

  net::Task<> end_after_the_call(bool reads_it) {
    co_await turns();
    say(waiting());
    co_await turns();
    if (reads_it) hear();
    runtime_.reset();
    co_await turns();
    co_await session_->stopped();
    undelivered_ = session_->take_undelivered();
    loop_.post([this] { loop_.stop(); });
  }

 private:
  net::Task<> talk_and_end(std::vector<std::string> frames) {
    for (const auto& each : frames) {
      co_await turns();
      say(each);
      co_await turns();
      heard_ += hear();
    }
    co_await session_->stopped();
    undelivered_ = session_->take_undelivered();
    loop_.post([this] { loop_.stop(); });
  }
  net::Task<> turns() {
    for (int i = 0; i < 10; ++i) {
      const net::OneShot<bool> next;
      loop_.post([next] { next.set(true); });
      co_await next;
    }
  }
};

TEST_F(LineSessionTest, GivesTheCallToTheRuntimeAndItsAnswerToTheObserver) {
  talk({waiting(), frame(kResponse, true, kId, kJson, R"("fine")")});
  const std::string body = std::string(kId) + "Root=1-x" + "arn" + "{}" + R"({"n":1})";
  ASSERT_EQ(heard_.size(), 2 * (kCallHead + body.size()));
  EXPECT_EQ(heard_.substr(kCallHead, body.size()), body);
  std::int64_t deadline = 0;
  std::memcpy(&deadline, heard_.data() + 8, sizeof deadline);
  EXPECT_EQ(deadline, 1'800'000'000'123);
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_FALSE(observer_.answers[0].is_error);
  EXPECT_EQ(observer_.answers[0].body, R"("fine")");
  EXPECT_EQ(observer_.answers[0].content_type, kJson);
  EXPECT_EQ(observer_.waited, 2);
  EXPECT_EQ(observer_.lost, 0);
}

TEST_F(LineSessionTest, ARuntimeThatDoesNotSayThatItWaitsGetsNoCall) {
  talk({waiting(), frame(kError, false, kId, "Oops", "{}")});
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_TRUE(observer_.answers[0].is_error);
  EXPECT_EQ(observer_.answers[0].error_type, "Oops");
  EXPECT_EQ(observer_.waited, 1);
  EXPECT_EQ(session_->state(), Session::State::answered);
}

TEST_F(LineSessionTest, ReadsFramesHoweverTheyAreCut) {
  std::vector<std::string> bytes;
  for (const char c : waiting() + frame(kResponse, true, kId, kJson, "[1,2]")) bytes.emplace_back(1, c);
  talk(bytes);
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_EQ(observer_.answers[0].body, "[1,2]");
}

TEST_F(LineSessionTest, JoinsTheBytesOfAnAnswerInParts) {
  talk({waiting(), frame(kStreamBegin, false, kId, "text/plain", "a"), frame(kStreamPart, false, {}, {}, "b"),
        frame(kStreamPart, false, {}, {}, "c"), frame(kStreamEnd, true, {}, {}, {})});
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_EQ(observer_.answers[0].body, "abc");
  EXPECT_EQ(observer_.answers[0].content_type, "text/plain");
  EXPECT_EQ(observer_.waited, 2);
}

TEST_F(LineSessionTest, AnAnswerInPartsThatFailsIsTheError) {
  talk({waiting(), frame(kStreamBegin, false, kId, "text/plain", "a"), frame(kStreamEnd, false, {}, "Mid.Way", "{}")});
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_TRUE(observer_.answers[0].is_error);
  EXPECT_EQ(observer_.answers[0].error_type, "Mid.Way");
  EXPECT_EQ(observer_.answers[0].body, "{}");
}

TEST_F(LineSessionTest, AnAnswerOverTheLimitBecomesAnErrorAndTheNextCallIsTaken) {
  talk({waiting(), frame(kResponse, true, kId, kJson, std::string(100'000, 'x')),
        frame(kResponse, false, kId, kJson, "1")});
  ASSERT_EQ(observer_.answers.size(), 2U);
  EXPECT_EQ(observer_.answers[0].error_type, kResponseTooLarge);
  EXPECT_EQ(observer_.answers[1].body, "1");
  EXPECT_EQ(observer_.lost, 0);
}

TEST_F(LineSessionTest, PartsThatAreTogetherOverTheLimitBecomeAnError) {
  const std::string part(600, 'x');
  talk({waiting(), frame(kStreamBegin, false, kId, kJson, part), frame(kStreamPart, false, {}, {}, part),
        frame(kStreamPart, false, {}, {}, part), frame(kStreamEnd, true, {}, {}, {})});
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_EQ(observer_.answers[0].error_type, kResponseTooLarge);
  EXPECT_EQ(observer_.waited, 2);
}

TEST_F(LineSessionTest, ReportsAnInitError) {
  talk({frame(kInitError, false, {}, "Runtime.ImportModuleError", "{}")});
  ASSERT_EQ(observer_.init_errors.size(), 1U);
  EXPECT_EQ(observer_.init_errors[0].error_type, "Runtime.ImportModuleError");
  EXPECT_EQ(session_->state(), Session::State::failed);
}

TEST_F(LineSessionTest, ALargeCallLeavesAsTheRuntimeReadsIt) {
  observer_.payload = std::string(3'000'000, 'p');
  std::vector<std::string> frames{waiting()};
  frames.insert(frames.end(), 30, "");
  talk(frames);
  EXPECT_EQ(heard_.size(), kCallHead + kId.size() + 8 + 3 + 2 + 3'000'000);
  EXPECT_FALSE(undelivered_);
}

TEST_F(LineSessionTest, ACallForARuntimeThatIsGoneIsGivenBack) {
  observer_.delivers = false;
  scope_.spawn(end_before_the_call());
  loop_.run();
  const auto given_back = session_->take_undelivered();
  ASSERT_TRUE(given_back);
  EXPECT_EQ(given_back->request_id, "7");
  EXPECT_EQ(given_back->payload, "{}");
}

TEST_F(LineSessionTest, ACallThatTheRuntimeLeftUnreadIsGivenBack) {
  scope_.spawn(end_after_the_call(false));
  loop_.run();
  EXPECT_EQ(observer_.lost, 1);
  ASSERT_TRUE(undelivered_);
  EXPECT_EQ(undelivered_->request_id, kId);
}

TEST_F(LineSessionTest, ACallThatTheRuntimeHasReadIsNotGivenBack) {
  scope_.spawn(end_after_the_call(true));
  loop_.run();
  EXPECT_EQ(observer_.lost, 1);
  EXPECT_FALSE(undelivered_);
}

struct Misuse {
  const char* name;
  std::vector<std::string> frames;
};

class LineMisuseTest : public LineSessionTest, public testing::WithParamInterface<Misuse> {};

TEST_P(LineMisuseTest, ClosesTheLineAndTellsOnce) {
  auto frames = GetParam().frames;
  talk(frames);
  EXPECT_EQ(observer_.lost, 1);
  char byte = 0;
  EXPECT_LE(recv(runtime_.get(), &byte, 1, MSG_DONTWAIT), 0) << "nothing more comes";
}

std::string with_byte(std::string bytes, std::size_t at, char value) {
  bytes[at] = value;
  return bytes;
}

INSTANTIATE_TEST_SUITE_P(
    Misuses, LineMisuseTest,
    testing::Values(
        Misuse{"NoFrame", {"GET / HTTP/1.1\r\n\r\n"}}, Misuse{"UnknownKind", {with_byte(waiting(), 0, 9)}},
        Misuse{"UnknownFlag", {with_byte(waiting(), 1, 2)}},
        Misuse{"WaitingWithoutTheFlag", {frame(kWaiting, false, {}, {}, {})}},
        Misuse{"WaitingWithABody", {frame(kWaiting, true, {}, {}, "x")}},
        Misuse{"AnswerBeforeACall", {frame(kResponse, true, kId, kJson, "1")}},
        Misuse{"AnswerForAnotherCall", {waiting(), frame(kResponse, true, "other", kJson, "1")}},
        Misuse{"WaitingTwice", {waiting(), waiting()}},
        Misuse{"AnsweredTwice",
               {waiting(), frame(kResponse, false, kId, kJson, "1") + frame(kError, false, kId, "E", "2")}},
        Misuse{"InitErrorTooLate", {waiting(), frame(kInitError, false, {}, "E", "{}")}},
        Misuse{"PartOfNothing", {waiting(), frame(kStreamPart, false, {}, {}, "x")}},
        Misuse{"EndOfNothing", {waiting(), frame(kStreamEnd, false, {}, {}, {})}},
        Misuse{"AnswerWithinAStream",
               {waiting(), frame(kStreamBegin, false, kId, kJson, "x"), frame(kResponse, true, kId, kJson, "1")}},
        Misuse{"TypeWithALineBreak", {waiting(), frame(kError, false, kId, "E\r\nSet-Cookie: x", "{}")}},
        Misuse{"TypeOfSixtyKilobytes", {waiting(), frame(kError, false, kId, std::string(60'000, 'E'), "")}}),
    [](const testing::TestParamInfo<Misuse>& misuse) { return misuse.param.name; });

net::Task<> take_all(AnswerStream& stream, std::string& out) {
  while (auto piece = co_await stream.take()) out += *piece;
}

TEST_F(LineSessionTest, PassesPartsOnToACallerThatTakesAStream) {
  observer_.stream = std::make_shared<AnswerStream>(6);
  std::string taken;
  scope_.spawn(take_all(*observer_.stream, taken));
  talk({waiting(), frame(kStreamBegin, false, kId, "text/plain", ""), frame(kStreamPart, false, "", "", "abc"),
        frame(kStreamPart, false, "", "", "def") + frame(kStreamEnd, true, "", "", "")});
  EXPECT_EQ(taken, "abcdef");
  EXPECT_EQ(observer_.stream->content_type(), "text/plain");
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_EQ(observer_.answers[0].body, "");
  EXPECT_FALSE(observer_.answers[0].is_error);
  EXPECT_EQ(observer_.waited, 2);
  observer_.stream->close();
}

TEST_F(LineSessionTest, AStreamOverItsLimitIsAnError) {
  observer_.stream = std::make_shared<AnswerStream>(5);
  std::string taken;
  scope_.spawn(take_all(*observer_.stream, taken));
  talk({waiting(), frame(kStreamBegin, false, kId, "text/plain", "abc"), frame(kStreamPart, false, "", "", "def"),
        frame(kStreamPart, false, "", "", "g"), frame(kStreamEnd, true, "", "", "")});
  EXPECT_EQ(taken, "abc");
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_EQ(observer_.answers[0].error_type, "Function.ResponseSizeTooLarge");
  observer_.stream->close();
}

TEST_F(LineSessionTest, AStreamThatFailsMidwayEndsWithItsError) {
  observer_.stream = std::make_shared<AnswerStream>(100);
  std::string taken;
  scope_.spawn(take_all(*observer_.stream, taken));
  talk({waiting(), frame(kStreamBegin, false, kId, "text/plain", "abc"),
        frame(kStreamEnd, true, "", "Error", R"({"errorMessage":"m"})")});
  EXPECT_EQ(taken, "abc");
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_TRUE(observer_.answers[0].is_error);
  EXPECT_EQ(observer_.answers[0].body, R"({"errorMessage":"m"})");
  observer_.stream->close();
}

}  // namespace
}  // namespace lambent::runtime_api
