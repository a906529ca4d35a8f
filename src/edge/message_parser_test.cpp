#include "edge/message_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "edge/parser_transcript.h"

namespace lambent::edge {
namespace {

using namespace std::string_literals;

std::string read(std::string_view bytes, const HttpLimits& limits = {}) {
  return transcribe_requests(bytes, bytes.size(), 0, limits);
}

struct Case {
  std::string name;
  std::string bytes;
  std::string transcript;
};

std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}
std::string post(std::string_view fields, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string chunked(std::string_view body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

std::vector<Case> accepted() {
  return {
      {"a request without fields but Host", get(""), "GET / [] {}\n"},
      {"HTTP/1.0 without Host", "GET /x HTTP/1.0\r\n\r\n", "GET /x [] {}\n"},
      {"a body", post("Content-Length: 3\r\n", "abc"), "POST / [abc] {}\n"},
      {"an empty body", post("Content-Length: 0\r\n", ""), "POST / [] {}\n"},
      {"leading zeros in Content-Length", post("Content-Length: 003\r\n", "abc"), "POST / [abc] {}\n"},
      {"no space after a colon", get("A:b\r\n"), "GET / [] {}\n"},
      {"an empty value", get("A:\r\nB: \r\n"), "GET / [] {}\n"},
      {"bytes over 127 in a value", get("A: \xc3\xa9\r\n"), "GET / [] {}\n"},
      {"chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "POST / [abcde] {}\n"},
      {"no chunks", chunked("0\r\n\r\n"), "POST / [] {}\n"},
      {"several zeros as last chunk", chunked("000\r\n\r\n"), "POST / [] {}\n"},
      {"a chunk size with leading zeros and upper case", chunked("00A\r\n0123456789\r\n0\r\n\r\n"),
       "POST / [0123456789] {}\n"},
      {"a chunk extension", chunked("3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\n"), "POST / [abc] {}\n"},
      {"trailers", chunked("1\r\na\r\n0\r\nX: y\r\nZ:  w \r\n\r\n"), "POST / [a] {X=y;Z=w;}\n"},
      {"chunk data that looks like chunk lines", chunked("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), "POST / [0\r\n\r\n] {}\n"},
      {"Chunked in other case", post("transfer-encoding: CHUNKED\r\n", "0\r\n\r\n"), "POST / [] {}\n"},
      {"requests sent ahead", get("") + post("Content-Length: 1\r\n", "x") + chunked("1\r\ny\r\n0\r\n\r\n") + get(""),
       "GET / [] {}\nPOST / [x] {}\nPOST / [y] {}\nGET / [] {}\n"},
      {"a target in absolute form", "GET http://H/p?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET /p?q [] {}\n"},
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * [] {}\n"},
      {"a body that has not come", post("Content-Length: 4\r\n", "abc"), "waiting"},
      {"a head that has not come", "GET / HT", "waiting"},
      {"the last chunk's end that has not come", chunked("0\r\n"), "waiting"},
  };
}

// Everything that another party might read differently (request smuggling), or that is no HTTP at all.
std::vector<Case> refused() {
  const std::string e400 = "error 400";
  return {
      {"Content-Length and chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), e400},
      {"chunked and Content-Length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), e400},
      {"chunked and Content-Length 0", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), e400},
      {"two Content-Lengths that differ", post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), e400},
      {"two Content-Lengths that agree", post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), e400},
      {"a list as Content-Length", post("Content-Length: 1, 1\r\n", "a"), e400},
      {"a signed Content-Length", post("Content-Length: +1\r\n", "a"), e400},
      {"a negative Content-Length", post("Content-Length: -1\r\n", "a"), e400},
      {"a hexadecimal Content-Length", post("Content-Length: 0x1\r\n", "a"), e400},
      {"a Content-Length with inner space", post("Content-Length: 1 1\r\n", "a"), e400},
      {"an empty Content-Length", post("Content-Length: \r\n", "a"), e400},
      {"a Content-Length over 64 bits", post("Content-Length: 18446744073709551617\r\n", "a"), e400},
      {"a quoted Content-Length", post("Content-Length: \"1\"\r\n", "a"), e400},
      {"chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), e400},
      {"chunked twice in a list", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), e400},
      {"chunked not last", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), e400},
      {"gzip before chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), e400},
      {"identity", post("Transfer-Encoding: identity\r\n", ""), e400},
      {"identity and Content-Length", post("Transfer-Encoding: identity\r\nContent-Length: 1\r\n", "a"), e400},
      {"an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), e400},
      {"an empty coding", post("Transfer-Encoding:\r\n", ""), e400},
      {"a coding with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), e400},
      {"a quoted coding", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), e400},
      {"a coding after a vertical tab", post("Transfer-Encoding: \x0b"s + "chunked\r\n", "0\r\n\r\n"), e400},
      {"a coding after a comma", post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), e400},
      {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", e400},
      {"a space before the colon", post("Content-Length : 1\r\n", "a"), e400},
      {"a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), e400},
      {"an obs-fold", get("A: b\r\n c\r\n"), e400},
      {"an obs-fold by tab", get("A: b\r\n\tc\r\n"), e400},
      {"an obs-fold before the value", get("A:\r\n b\r\n"), e400},
      {"an obs-fold after the value", get("A: b\r\n \r\n"), e400},
      {"an obs-fold of white space only", get("A:\r\n \r\n"), e400},
      {"an obs-fold within Transfer-Encoding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), e400},
      {"a folded first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", e400},
      {"bare LF after a field", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", e400},
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", e400},
      {"bare LF at the end of the head", "GET / HTTP/1.1\r\nHost: h\r\n\n", e400},
      {"bare LF alone", "GET / HTTP/1.1\nHost: h\n\n", e400},
      {"bare CR in a value", get("A: b\rTransfer-Encoding: chunked\r\n"), e400},
      {"CR CR LF", get("A: b\r\r\n"), e400},
      {"bare CR in a name", get("A\rB: c\r\n"), e400},
      {"NUL in a value", get("A: b\0c\r\n"s), e400},
      {"NUL in a name", get("A\0: b\r\n"s), e400},
      {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"s, e400},
      {"DEL in a value", get("A: b\x7f\r\n"), e400},
      {"an empty name", get(": b\r\n"), e400},
      {"a field without colon", get("abc\r\n"), e400},
      {"a name with a byte over 127", get("\xc3\xa9: b\r\n"), e400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", e400},
      {"two Hosts", get("Host: i\r\n"), e400},
      {"a target with a space", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"two spaces before the version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"a space after the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", e400},
      {"no version", "GET /\r\n\r\n", e400},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", e400},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", e400},
      {"a lower-case version", "GET / http/1.1\r\nHost: h\r\n\r\n", e400},
      {"a TLS hello", "\x16\x03\x01\x02"s, e400},
      {"an empty line first", "\r\n" + get(""), e400},
      {"a space first", " " + get(""), e400},
      {"a target without slash", "GET x HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"GET *", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"an absolute target of another host", "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"an absolute target with user", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"an absolute target of another scheme", "GET file://h/ HTTP/1.1\r\nHost: h\r\n\r\n", e400},
      {"CONNECT", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "error 501"},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", "error 501"},
      {"a method in lower case", "get / HTTP/1.1\r\nHost: h\r\n\r\n", "error 501"},
      {"an unknown expectation", get("Expect: more\r\n"), "error 417"},
      {"a chunk with bare LF", chunked("1\na\r\n0\r\n\r\n"), e400},
      {"chunk data with bare LF after", chunked("1\r\na\n0\r\n\r\n"), e400},
      {"chunk data longer than its size", chunked("1\r\nab\r\n0\r\n\r\n"), e400},
      {"a negative chunk size", chunked("-1\r\na\r\n0\r\n\r\n"), e400},
      {"a chunk size with 0x", chunked("0x1\r\na\r\n0\r\n\r\n"), e400},
      {"a chunk size with a space before", chunked(" 1\r\na\r\n0\r\n\r\n"), e400},
      {"a chunk size with a space after", chunked("1 \r\na\r\n0\r\n\r\n"), e400},
      {"a chunk size over 64 bits", chunked("10000000000000001\r\na\r\n0\r\n\r\n"), e400},
      {"an empty chunk size", chunked("\r\na\r\n0\r\n\r\n"), e400},
      {"an extension without size", chunked(";a\r\na\r\n0\r\n\r\n"), e400},
      {"an extension with LF in quotes", chunked("1;a=\"\n\"\r\nx\r\n0\r\n\r\n"), e400},
      {"an extension with NUL in quotes", chunked("1;a=\"\0\"\r\nx\r\n0\r\n\r\n"s), e400},
      {"an extension whose quotes span lines", chunked("1;a=\"\r\nx\"\r\n0\r\n\r\n"), e400},
      {"an endless extension", chunked("1;" + std::string(2000, 'a')), e400},
      {"a folded trailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), e400},
      {"a trailer with bare LF", chunked("0\r\nA: b\nC: d\r\n\r\n"), e400},
      {"a trailer with space before the colon", chunked("0\r\nA : b\r\n\r\n"), e400},
      {"Content-Length as trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), e400},
      {"Transfer-Encoding as trailer", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), e400},
      {"the second request only", get("") + get("A : b\r\n"), "GET / [] {}\nerror 400"},
  };
}

TEST(MessageParser, ReadsWhatIsWellFormed) {
  for (const auto& c : accepted()) EXPECT_EQ(read(c.bytes), c.transcript) << c.name;
}

TEST(MessageParser, RefusesWhatCanBeReadInTwoWays) {
  for (const auto& c : refused()) EXPECT_EQ(read(c.bytes), c.transcript) << c.name;
}

TEST(MessageParser, GivesTheSameResultHoweverTheBytesFallIntoPieces) {
  auto cases = accepted();
  std::ranges::move(refused(), std::back_inserter(cases));
  for (const auto& c : cases) {
    for (std::size_t piece = 1; piece < c.bytes.size(); piece++) {
      EXPECT_EQ(transcribe_requests(c.bytes, 0, piece, HttpLimits{}), c.transcript) << c.name << " by " << piece;
    }
  }
}

TEST(MessageParser, GivesTheSameResultForEverySplitInTwo) {
  auto cases = accepted();
  std::ranges::move(refused(), std::back_inserter(cases));
  for (const auto& c : cases) {
    for (std::size_t split = 1; split < c.bytes.size(); split++) {
      EXPECT_EQ(transcribe_requests(c.bytes, split, c.bytes.size(), HttpLimits{}), c.transcript)
          << c.name << " at " << split;
    }
  }
}

TEST(MessageParser, KeepsFieldsInOrderAndDuplicates) {
  const HttpLimits limits;
  MessageParser parser(limits);
  RequestHead head;
  const auto bytes = get("A: 1\r\nb:2\r\na:\t3 \r\nConnection: close\r\n");
  ASSERT_EQ(parser.parse_request_head(bytes, head), bytes.size());
  EXPECT_EQ(head.headers.wire(), "Host: h\r\nA: 1\r\nb: 2\r\na: 3\r\nConnection: close\r\n");
  EXPECT_EQ(head.headers.get_all("A"), (std::vector<std::string_view>{"1", "3"}));
  EXPECT_FALSE(head.keep_alive);
}

TEST(MessageParser, TellsWhetherTheConnectionMayGoOn) {
  const auto keeps_alive = [](const std::string& bytes) {
    const HttpLimits limits;
    MessageParser parser(limits);
    RequestHead head;
    EXPECT_TRUE(parser.parse_request_head(bytes, head).value_or(0) > 0);
    return head.keep_alive;
  };
  EXPECT_TRUE(keeps_alive(get("")));
  EXPECT_FALSE(keeps_alive(get("Connection: foo, Close\r\n")));
  EXPECT_FALSE(keeps_alive("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(MessageParser, LimitsTheHead) {
  const HttpLimits limits{.head_bytes = 500, .header_count = 5, .target_bytes = 100};
  const auto many = [](int n) {
    std::string fields;
    for (int i = 0; i < n; i++) fields += "A: b\r\n";
    return fields;
  };
  EXPECT_EQ(read(get(many(4)), limits), "GET / [] {}\n");
  EXPECT_EQ(read(get(many(5)), limits), "error 431");
  EXPECT_EQ(read(get("A: " + std::string(430, 'x') + "\r\n"), limits), "GET / [] {}\n");
  EXPECT_EQ(read(get("A: " + std::string(500, 'x') + "\r\n"), limits), "error 431");
  EXPECT_EQ(read("GET / HTTP/1.1\r\nA: " + std::string(500, 'x'), limits), "error 431");
  EXPECT_EQ(read("GET /" + std::string(99, 'x') + " HTTP/1.0\r\n\r\n", limits),
            "GET /" + std::string(99, 'x') + " [] {}\n");
  EXPECT_EQ(read("GET /" + std::string(100, 'x') + " HTTP/1.0\r\n\r\n", limits), "error 414");
  EXPECT_EQ(read("GET /" + std::string(600, 'x'), limits), "error 414");
  EXPECT_EQ(read(std::string(600, 'x'), limits), "error 414");
}

TEST(MessageParser, LimitsTrailers) {
  const HttpLimits limits{.head_bytes = 200, .header_count = 5};
  EXPECT_EQ(read(chunked("0\r\nA: " + std::string(100, 'x') + "\r\n\r\n"), limits),
            "POST / [] {A=" + std::string(100, 'x') + ";}\n");
  EXPECT_EQ(read(chunked("0\r\nA: " + std::string(300, 'x') + "\r\n\r\n"), limits), "error 431");
  EXPECT_EQ(read(chunked("0\r\nA: " + std::string(300, 'x')), limits), "error 431");
  EXPECT_EQ(read(chunked("0\r\nA:b\r\nA:b\r\nA:b\r\nA:b\r\nA:b\r\nA:b\r\n\r\n"), limits), "error 431");
}

std::string read_response(std::string_view bytes, bool to_head_request, bool then_ends) {
  const HttpLimits limits;
  MessageParser parser(limits);
  ResponseHead head;
  const auto size = parser.parse_response_head(bytes, head, to_head_request);
  if (!size) return "error";
  if (*size == 0) return "waiting";
  bytes.remove_prefix(*size);
  std::string body;
  while (!parser.body_done()) {
    const auto step = parser.parse_body(bytes);
    if (!step) return "error";
    bytes.remove_prefix(step->taken);
    body.append(step->data);
    if (step->taken == 0 && !(then_ends && parser.end_of_stream())) return "truncated";
  }
  return std::to_string(head.status) + " [" + body + "] rest " + std::to_string(bytes.size());
}

TEST(MessageParser, ReadsResponses) {
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabX", false, false), "200 [ab] rest 1");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true, false), "200 [] rest 0");
  EXPECT_EQ(read_response("HTTP/1.1 204 \r\n\r\n", false, false), "204 [] rest 0");
  EXPECT_EQ(read_response("HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", false, false), "304 [] rest 0");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\n\r\nto the end", false, true), "200 [to the end] rest 0");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", false, false),
            "200 [a] rest 0");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", false, true), "truncated");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", false, true), "truncated");
  EXPECT_EQ(read_response("HTTP/1.1 20 OK\r\n\r\n", false, false), "error");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", false, false),
            "error");
}

}  // namespace
}  // namespace lambent::edge
