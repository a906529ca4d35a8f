#include "egress/dns_message.h"

#include <algorithm>

namespace lambent::egress {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint16_t kClassIn = 1;
constexpr std::size_t kChain = 16;      // aliases that are followed
constexpr std::size_t kRecords = 256;   // that are looked at
constexpr std::size_t kAddresses = 64;  // that are kept

// Bits of the header's second pair of bytes.
constexpr std::uint16_t kIsResponse = 0x8000;
constexpr std::uint16_t kOpcode = 0x7800;
constexpr std::uint16_t kTruncated = 0x0200;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kRecursionAvailable = 0x0080;
constexpr std::uint16_t kRcode = 0x000f;

char lower(std::uint8_t c) {
  return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool is_name_byte(std::uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> message) : message_(message) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  std::uint16_t u16() {
    if (!has(2)) return 0;
    const auto value = static_cast<std::uint16_t>(message_[at_] << 8U | message_[at_ + 1]);
    at_ += 2;
    return value;
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16U | u16();
  }
  std::span<const std::uint8_t> take(std::size_t count) {
    if (!has(count)) return {};
    const auto taken = message_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  // In lower case. A name with bytes that no host name has fails where `strict`; elsewhere it gives "?", which is equal
  // to no host name.
  std::string name(bool strict) {
    std::string out;
    std::size_t from = at_;
    std::size_t limit = message_.size();  // pointers go to before the last place, so they come to an end
    bool jumped = false;
    bool odd = false;
    for (;;) {
      if (from >= limit && !(from < message_.size() && !jumped)) return give_up();
      const std::uint8_t length = message_[from];
      if ((length & 0xc0U) == 0xc0) {
        if (from + 1 >= message_.size()) return give_up();
        const std::size_t target = static_cast<std::size_t>(length & 0x3fU) << 8U | message_[from + 1];
        if (!jumped) at_ = from + 2;
        if (target >= from || target >= limit) return give_up();
        jumped = true;
        limit = from;
        from = target;
        continue;
      }
      if (length > 63 || from + 1 + length > message_.size()) return give_up();
      if (length == 0) break;
      if (!out.empty()) out += '.';
      for (const std::uint8_t c : message_.subspan(from + 1, length)) {
        odd |= !is_name_byte(c);
        out += lower(c);
      }
      if (out.size() > 253) return give_up();
      from += 1U + length;
    }
    if (!jumped) at_ = from + 1;
    if (odd && strict) return give_up();
    return odd ? "?" : out;
  }

 private:
  bool has(std::size_t count) {
    failed_ |= message_.size() - at_ < count;
    return !failed_;
  }
  std::string give_up() {
    failed_ = true;
    return {};
  }

  std::span<const std::uint8_t> message_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

struct Header {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
  std::uint16_t additionals = 0;
};

Header read_header(Reader& reader) {
  return {reader.u16(), reader.u16(), reader.u16(), reader.u16(), reader.u16(), reader.u16()};
}

void put16(DnsBytes& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8U));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_header(DnsBytes& out, const Header& header) {
  for (const auto field :
       {header.id, header.flags, header.questions, header.answers, header.authorities, header.additionals}) {
    put16(out, field);
  }
}

struct Record {
  std::string name;
  std::uint16_t type = 0;
  std::uint16_t type_class = 0;
  std::uint32_t ttl = 0;
  std::size_t data_at = 0;
  std::span<const std::uint8_t> data;
};

Record read_record(Reader& reader) {
  Record record;
  record.name = reader.name(false);
  record.type = reader.u16();
  record.type_class = reader.u16();
  record.ttl = reader.u32();
  const std::uint16_t length = reader.u16();
  record.data_at = reader.at();
  record.data = reader.take(length);
  // RFC 2181: a TTL with its highest bit set counts as 0.
  if (record.ttl > 0x7fff'ffffU) record.ttl = 0;
  return record;
}

// The EDNS record says how much the asker takes.
void read_additionals(Reader& reader, const Header& header, DnsQuestion& question) {
  for (std::uint16_t i = 0; i < header.additionals && !reader.failed(); ++i) {
    const Record record = read_record(reader);
    if (record.type == kTypeOpt && !reader.failed()) {
      question.udp_bytes = std::max<std::uint16_t>(record.type_class, 512);
    }
  }
}

}  // namespace

std::expected<DnsQuestion, std::optional<DnsProblem>> parse_query(std::span<const std::uint8_t> message) {
  Reader reader(message);
  const Header header = read_header(reader);
  if (reader.failed() || (header.flags & kIsResponse) != 0) return std::unexpected(std::nullopt);
  const auto refuse = [&](Rcode rcode) { return std::unexpected(DnsProblem{header.id, rcode}); };
  if ((header.flags & kOpcode) != 0) return refuse(Rcode::not_implemented);
  if (header.questions != 1 || header.answers != 0 || header.authorities != 0 || header.additionals > 4) {
    return refuse(Rcode::format_error);
  }
  DnsQuestion question;
  question.id = header.id;
  question.wants_recursion = (header.flags & kRecursionDesired) != 0;
  question.name = reader.name(true);
  question.type = reader.u16();
  const std::uint16_t type_class = reader.u16();
  if (reader.failed() || question.name.empty()) return refuse(Rcode::format_error);
  if (type_class != kClassIn) return refuse(Rcode::refused);
  const auto section = message.subspan(kHeaderBytes, reader.at() - kHeaderBytes);
  question.wire.assign(section.begin(), section.end());
  read_additionals(reader, header, question);
  if (reader.failed()) return refuse(Rcode::format_error);
  return question;
}

DnsBytes build_query(std::uint16_t id, const DnsQuestion& question, bool with_edns) {
  DnsBytes out;
  put_header(out, {.id = id,
                   .flags = kRecursionDesired,
                   .questions = 1,
                   .additionals = static_cast<std::uint16_t>(with_edns ? 1 : 0)});
  out.insert(out.end(), question.wire.begin(), question.wire.end());
  if (with_edns) {
    out.push_back(0);  // the root's name
    put16(out, kTypeOpt);
    put16(out, kDnsUdpBytes);
    for (int i = 0; i < 3; ++i) put16(out, 0);  // flags and no options
  }
  return out;
}

std::optional<DnsAnswer> parse_answer(std::span<const std::uint8_t> message, std::uint16_t id,
                                      const DnsQuestion& question) {
  Reader reader(message);
  const Header header = read_header(reader);
  if (reader.failed() || header.id != id || (header.flags & kIsResponse) == 0 || header.questions != 1) {
    return std::nullopt;
  }
  if (reader.name(true) != question.name || reader.u16() != question.type || reader.u16() != kClassIn ||
      reader.failed()) {
    return std::nullopt;
  }
  DnsAnswer answer;
  answer.rcode = static_cast<Rcode>(header.flags & kRcode);
  answer.is_truncated = (header.flags & kTruncated) != 0;
  std::vector<Record> records;
  for (std::uint16_t i = 0; i < header.answers && records.size() < kRecords; ++i) {
    Record record = read_record(reader);
    if (reader.failed()) break;  // cut off: what is whole counts
    if (record.type_class == kClassIn) records.push_back(std::move(record));
  }
  std::string owner = question.name;
  std::uint32_t ttl = 0x7fff'ffff;
  for (std::size_t step = 0; step < kChain; ++step) {
    const auto alias =
        std::ranges::find_if(records, [&](const Record& one) { return one.type == kTypeCname && one.name == owner; });
    if (alias == records.end()) break;
    Reader target(message.first(alias->data_at + alias->data.size()));
    target.take(alias->data_at);
    owner = target.name(false);
    if (target.failed()) return answer;
    ttl = std::min(ttl, alias->ttl);
  }
  const std::size_t length = question.type == kTypeA ? 4 : 16;
  for (const Record& record : records) {
    if (record.type != question.type || record.name != owner || record.data.size() != length) continue;
    if (question.type != kTypeA && question.type != kTypeAaaa) break;
    if (answer.addresses.size() == kAddresses) break;
    const auto address = length == 4 ? IpAddress::v4(record.data.first<4>()) : IpAddress::v6(record.data.first<16>());
    answer.addresses.push_back({address, std::min(ttl, record.ttl)});
  }
  return answer;
}

DnsBytes build_answer(const DnsQuestion& question, Rcode rcode, std::span<const DnsAddress> addresses,
                      std::size_t limit) {
  const std::size_t each = 12 + (question.type == kTypeA ? 4U : 16U);
  const std::size_t edns = question.udp_bytes ? 11 : 0;
  const std::size_t room = limit - std::min(limit, kHeaderBytes + question.wire.size() + edns);
  const auto fitting = addresses.first(std::min(addresses.size(), room / each));
  Header header{.id = question.id, .questions = 1};
  header.flags = static_cast<std::uint16_t>(kIsResponse | kRecursionAvailable | static_cast<std::uint16_t>(rcode) |
                                            (question.wants_recursion ? kRecursionDesired : 0U) |
                                            (fitting.size() < addresses.size() ? kTruncated : 0U));
  header.answers = static_cast<std::uint16_t>(fitting.size());
  header.additionals = question.udp_bytes ? 1 : 0;
  DnsBytes out;
  put_header(out, header);
  out.insert(out.end(), question.wire.begin(), question.wire.end());
  for (const auto& [address, ttl] : fitting) {
    put16(out, 0xc000U | kHeaderBytes);  // the question's name
    put16(out, question.type);
    put16(out, kClassIn);
    put16(out, ttl >> 16U);
    put16(out, ttl & 0xffffU);
    // An AAAA record may hold a mapped address; its sixteen bytes go out as they came in.
    const auto data = question.type == kTypeA ? address.bytes() : std::span<const std::uint8_t>(address.full());
    put16(out, static_cast<std::uint32_t>(data.size()));
    out.insert(out.end(), data.begin(), data.end());
  }
  if (question.udp_bytes) {
    out.push_back(0);
    put16(out, kTypeOpt);
    put16(out, kDnsUdpBytes);
    for (int i = 0; i < 3; ++i) put16(out, 0);
  }
  return out;
}

DnsBytes build_refusal(const DnsProblem& problem) {
  DnsBytes out;
  put_header(out, {.id = problem.id,
                   .flags = static_cast<std::uint16_t>(kIsResponse | static_cast<std::uint16_t>(problem.rcode))});
  return out;
}

}  // namespace lambent::egress
