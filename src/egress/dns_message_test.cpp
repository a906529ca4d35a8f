#include "egress/dns_message.h"

#include <gtest/gtest.h>

namespace lambent::egress {
namespace {

// A message written by hand: numbers, and names as dotted text.
class Writer {
 public:
  Writer& u16(unsigned value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
    bytes.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Writer& u32(std::uint32_t value) { return u16(value >> 16U).u16(value & 0xffffU); }
  Writer& name(std::string_view dotted) {
    while (!dotted.empty()) {
      const auto label = dotted.substr(0, dotted.find('.'));
      bytes.push_back(static_cast<std::uint8_t>(label.size()));
      bytes.insert(bytes.end(), label.begin(), label.end());
      dotted.remove_prefix(std::min(dotted.size(), label.size() + 1));
    }
    bytes.push_back(0);
    return *this;
  }
  Writer& header(unsigned id, unsigned flags, unsigned questions, unsigned answers, unsigned additionals = 0) {
    return u16(id).u16(flags).u16(questions).u16(answers).u16(0).u16(additionals);
  }
  Writer& question(std::string_view dotted, unsigned type) { return name(dotted).u16(type).u16(1); }
  Writer& record(std::string_view owner, unsigned type, std::uint32_t ttl, const DnsBytes& data) {
    name(owner).u16(type).u16(1).u32(ttl).u16(static_cast<unsigned>(data.size()));
    bytes.insert(bytes.end(), data.begin(), data.end());
    return *this;
  }
  DnsBytes bytes;
};

DnsQuestion question_of(std::string_view name, unsigned type) {
  return parse_query(Writer().header(7, 0x0100, 1, 0).question(name, type).bytes).value();
}

TEST(DnsQuery, IsReadInLowerCaseWithItsWireFormKept) {
  const auto message = Writer().header(0x1234, 0x0100, 1, 0).question("Www.Example.COM", kTypeA).bytes;
  const auto question = parse_query(message);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->id, 0x1234);
  EXPECT_EQ(question->name, "www.example.com");
  EXPECT_EQ(question->type, kTypeA);
  EXPECT_TRUE(question->wants_recursion);
  EXPECT_FALSE(question->udp_bytes);
  EXPECT_EQ(question->wire, DnsBytes(message.begin() + 12, message.end()));
}

TEST(DnsQuery, SaysHowMuchItsAskerTakes) {
  auto writer = Writer().header(1, 0x0100, 1, 0, 1).question("a.b", kTypeAaaa);
  writer.name("").u16(kTypeOpt).u16(4096).u32(0).u16(0);
  EXPECT_EQ(parse_query(writer.bytes)->udp_bytes, 4096);
}

TEST(DnsQuery, WhatIsNoneIsRefusedOrDropped) {
  const auto rcode = [](const DnsBytes& message) {
    const auto question = parse_query(message);
    if (question) return -2;
    return question.error() ? static_cast<int>(question.error()->rcode) : -1;
  };
  EXPECT_EQ(rcode({}), -1);
  EXPECT_EQ(rcode({1, 2, 3}), -1);
  EXPECT_EQ(rcode(Writer().header(1, 0x8100, 1, 0).question("a.b", 1).bytes), -1);        // an answer
  EXPECT_EQ(rcode(Writer().header(1, 0x2900, 1, 0).question("a.b", 1).bytes), 4);         // an update
  EXPECT_EQ(rcode(Writer().header(1, 0x0100, 2, 0).question("a.b", 1).bytes), 1);         // two questions
  EXPECT_EQ(rcode(Writer().header(1, 0x0100, 1, 0).name("a.b").u16(1).u16(3).bytes), 5);  // class CHAOS
  EXPECT_EQ(rcode(Writer().header(1, 0x0100, 1, 0).name("a.b").u16(1).bytes), 1);         // cut off
  EXPECT_EQ(rcode(Writer().header(1, 0x0100, 1, 0).question("a b.c", 1).bytes), 1);       // no host name
  EXPECT_EQ(rcode(Writer().header(1, 0x0100, 1, 0).question(std::string_view("a\0.c", 4), 1).bytes), 1);
  EXPECT_EQ(rcode(Writer().header(1, 0x0100, 1, 0).question("", 1).bytes), 1);  // the root
}

TEST(DnsQuery, ANameThatPointsAtItselfIsRefused) {
  EXPECT_FALSE(parse_query(Writer().header(1, 0x0100, 1, 0).u16(0xc00c).u16(1).u16(1).bytes));
  EXPECT_FALSE(parse_query(Writer().header(1, 0x0100, 1, 0).u16(0xc00e).u16(0xc00c).u16(1).u16(1).bytes));
  EXPECT_FALSE(parse_query(Writer().header(1, 0x0100, 1, 0).u16(0xffff).u16(1).u16(1).bytes));
}

TEST(DnsAnswer, AddressesAreTakenFromTheEndOfTheChain) {
  const DnsQuestion question = question_of("a.example", kTypeA);
  auto writer = Writer().header(9, 0x8180, 1, 4).question("A.example", kTypeA);
  writer.record("a.example", kTypeCname, 30, Writer().name("b.example").bytes);
  writer.record("b.example", kTypeA, 60, {93, 184, 216, 34});
  writer.record("b.example", kTypeA, 20, {93, 184, 216, 35});
  writer.record("other.example", kTypeA, 60, {10, 0, 0, 1});
  const auto answer = parse_answer(writer.bytes, 9, question);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->addresses.size(), 2U);
  EXPECT_EQ(answer->addresses[0].address.text(), "93.184.216.34");
  EXPECT_EQ(answer->addresses[0].ttl, 30U);
  EXPECT_EQ(answer->addresses[1].ttl, 20U);
}

TEST(DnsAnswer, ToAnotherQuestionIsNone) {
  const DnsQuestion question = question_of("a.example", kTypeA);
  const auto message = Writer().header(9, 0x8180, 1, 0).question("a.example", kTypeA).bytes;
  EXPECT_TRUE(parse_answer(message, 9, question));
  EXPECT_FALSE(parse_answer(message, 10, question));
  EXPECT_FALSE(parse_answer(message, 9, question_of("b.example", kTypeA)));
  EXPECT_FALSE(parse_answer(message, 9, question_of("a.example", kTypeAaaa)));
  EXPECT_FALSE(parse_answer(Writer().header(9, 0x0100, 1, 0).question("a.example", kTypeA).bytes, 9, question));
}

TEST(DnsAnswer, AChainInACircleGivesNothing) {
  const DnsQuestion question = question_of("a.example", kTypeA);
  auto writer = Writer().header(9, 0x8180, 1, 2).question("a.example", kTypeA);
  writer.record("a.example", kTypeCname, 30, Writer().name("b.example").bytes);
  writer.record("b.example", kTypeCname, 30, Writer().name("a.example").bytes);
  EXPECT_TRUE(parse_answer(writer.bytes, 9, question)->addresses.empty());
}

TEST(DnsAnswer, WhatIsBuiltIsReadAgain) {
  const DnsQuestion question = question_of("a.example", kTypeAaaa);
  const DnsAddress address{*IpAddress::parse("2600::1"), 77};
  const auto built = build_answer(question, Rcode::no_error, std::span(&address, 1), 512);
  const auto answer = parse_answer(built, question.id, question);
  ASSERT_TRUE(answer && answer->addresses.size() == 1);
  EXPECT_EQ(answer->addresses[0].address.text(), "2600::1");
  EXPECT_EQ(answer->addresses[0].ttl, 77U);
  EXPECT_FALSE(answer->is_truncated);
}

TEST(DnsAnswer, WhatDoesNotFitIsLeftOutAndSaid) {
  const DnsQuestion question = question_of("a.example", kTypeA);
  const std::vector<DnsAddress> many(60, {*IpAddress::parse("93.184.216.34"), 1});
  const auto built = build_answer(question, Rcode::no_error, many, 512);
  EXPECT_LE(built.size(), 512U);
  const auto answer = parse_answer(built, question.id, question);
  EXPECT_TRUE(answer->is_truncated);
  EXPECT_EQ(answer->addresses.size(), 30U);
}

TEST(DnsQuestionText, IsAskedAgainUnderAnotherId) {
  const auto built = build_query(0xabcd, question_of("a.example", kTypeA), true);
  const auto again = parse_query(built);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, 0xabcd);
  EXPECT_EQ(again->name, "a.example");
  EXPECT_EQ(again->udp_bytes, kDnsUdpBytes);
}

}  // namespace
}  // namespace lambent::egress
