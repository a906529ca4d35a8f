// Every byte may come from a function (questions) or from the internet (answers).
#include <cstdlib>

#include "egress/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::egress;
  const std::span message(data, size);
  const auto asked = parse_query(message);
  if (asked) {
    // What is asked again is the same question.
    const auto again = parse_query(build_query(1, *asked, true));
    if (!again || again->name != asked->name || again->type != asked->type) std::abort();
    const DnsAddress address{*IpAddress::parse("93.184.216.34"), 60};
    const auto built = build_answer(*asked, Rcode::no_error, std::span(&address, 1), kDnsUdpBytes);
    if (built.size() > kDnsUdpBytes || !parse_answer(built, asked->id, *asked)) std::abort();
  }
  // An answer is read against a question that fits its beginning, so that the rest is reached.
  DnsQuestion question;
  if (asked) {
    question = *asked;
  } else {
    question.name = "a.example";
    question.type = kTypeA;
  }
  const auto id = size < 2 ? 0 : static_cast<std::uint16_t>(data[0] << 8U | data[1]);
  const auto answer = parse_answer(message, static_cast<std::uint16_t>(id), question);
  if (answer && answer->addresses.size() > 64) std::abort();
  return 0;
}
