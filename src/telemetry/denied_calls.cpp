#include "telemetry/denied_calls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <vector>

#include "base/fd.h"

namespace lambent::telemetry {
namespace {

constexpr std::string_view kFirstLine = "lambent denied calls 1";
constexpr std::size_t kLongestField = 140;  // a function's name has at most 64

bool is_field(std::string_view text) {
  return !text.empty() && text.size() <= kLongestField &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || text != fmt::format("{}", value) || value < 0)
    return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

bool DeniedCalls::add(std::string_view function, const Name& name, std::uint64_t count, std::int64_t now_ms) {
  auto found = functions_.find(function);
  if (found == functions_.end()) {
    make_room();
    found = functions_.emplace(std::string(function), Function{}).first;
  }
  Function& one = found->second;
  one.last_ms = std::max(one.last_ms, now_ms);
  const bool fits = one.calls.contains(name) || one.calls.size() < kCallsOfFunction;
  const auto [place, is_new] =
      one.calls.try_emplace(fits ? name : Name{name.policy, std::string(kOthers), "refused"}, Seen{});
  place->second.count += count;
  place->second.last_ms = std::max(place->second.last_ms, now_ms);
  return is_new;
}

void DeniedCalls::make_room() {
  if (functions_.size() < kFunctions) return;
  functions_.erase(std::ranges::min_element(functions_, {}, [](const auto& each) { return each.second.last_ms; }));
}

std::string DeniedCalls::text() const {
  std::string out = fmt::format("{}\t{}\n", kFirstLine, lost_ms_);
  for (const auto& [function, one] : functions_) {
    for (const auto& [name, seen] : one.calls) {
      out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", function, name.policy, name.call, name.answer, seen.count,
                         seen.last_ms);
    }
  }
  return out;
}

Result<DeniedCalls> DeniedCalls::parse(std::string_view text) {
  const auto refuse = [](std::size_t line) {
    return fail(Error::of("read denied calls", fmt::format("line {}", line), "not as it was written"));
  };
  if (text.size() > kFileBytes || !text.ends_with('\n')) return refuse(0);
  text.remove_suffix(1);
  const auto lines = split(text, '\n');
  const auto head = split(lines.front(), '\t');
  const auto lost = head.size() == 2 ? number_of<std::int64_t>(head[1]) : std::nullopt;
  if (head.front() != kFirstLine || !lost) return refuse(1);
  DeniedCalls calls;
  calls.lost_ms_ = *lost;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto fields = split(lines[i], '\t');
    if (fields.size() != 6 || !std::ranges::all_of(fields, is_field)) return refuse(i + 1);
    const auto count = number_of<std::uint64_t>(fields[4]);
    const auto last = number_of<std::int64_t>(fields[5]);
    if (!count || !last) return refuse(i + 1);
    calls.add(fields[0], {std::string(fields[1]), std::string(fields[2]), std::string(fields[3])}, *count, *last);
  }
  return calls;
}

std::string DeniedCalls::path_in(const std::string& data_folder) {
  return data_folder + "/denied_calls";
}

// The folder is the server's user's, who may have put anything in the file's place: a link, a FIFO.
Result<DeniedCalls> DeniedCalls::load(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno == ENOENT) return DeniedCalls();
  if (!file) return fail_errno("open", path);
  struct stat info{};
  if (fstat(file.get(), &info) != 0) return fail_errno("stat", path);
  if (!S_ISREG(info.st_mode)) return fail(Error::of("read denied calls", path, "not a file"));
  std::string text;
  std::array<char, 16'384> part{};
  ssize_t bytes = 0;
  while (text.size() <= kFileBytes && (bytes = read(file.get(), part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<std::size_t>(bytes));
  }
  if (bytes < 0) return fail_errno("read", path);
  return parse(text);
}

}  // namespace lambent::telemetry
