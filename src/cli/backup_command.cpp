#include "cli/backup_command.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/time_format.h"
#include "cli/commands.h"
#include "cli/endpoint_file.h"
#include "cli/folder_copy.h"

namespace lambent::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kBetweenLines{500};
constexpr const char* kUnfinished = ".unfinished";

std::string in_words(std::uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"bytes", "KB", "MB", "GB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

// The folder that may be made: its path without a slash at the end.
Result<std::string> new_folder(const std::string& to) {
  std::error_code error;
  fs::path path = fs::absolute(to, error).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (fs::symlink_status(path, error).type() != fs::file_type::not_found) {
    return fail(Error::of("make", path.string(), "it exists already; name a new folder"));
  }
  const std::string unfinished = path.string() + kUnfinished;
  if (fs::symlink_status(unfinished, error).type() != fs::file_type::not_found) {
    return fail(Error::of("make", path.string(), "an interrupted backup left " + unfinished + "; remove it first"));
  }
  if (!fs::is_directory(path.parent_path(), error)) {
    return fail(Error::of("make", path.string(), "there is no folder " + path.parent_path().string()));
  }
  return path.string();
}

// Where the server's answer is for this process. Only the name is taken of it: the server has fewer rights than the
// operator, and must not choose what is copied and removed.
Result<std::string> made_folder(const std::string& data_dir, const std::string& answer) {
  const std::string name = fs::path(answer).filename();
  if (!parse_amz_date(name)) return fail(Error::of("use the answer", answer, "it names no backup"));
  const std::string folder = data_dir + "/backups/" + name;
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return fail(Error::of("find", folder,
                          "the server made the backup " + answer + ", in another data folder or on another machine"));
  }
  return folder;
}

// Removes a folder at the end, unless it is kept.
class Leftover {
 public:
  explicit Leftover(std::string folder) : folder_(std::move(folder)) {}
  ~Leftover() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  Leftover(const Leftover&) = delete;
  Leftover& operator=(const Leftover&) = delete;
  void keep() { folder_.clear(); }

 private:
  std::string folder_;
};

class ProgressLine {
 public:
  ProgressLine(const Clock& clock, std::uint64_t total, bool shown, std::ostream& out)
      : clock_(clock), total_(total), shown_(shown), out_(out) {}
  ~ProgressLine() {
    if (last_) out_ << "\r\x1b[K";
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void at(std::uint64_t bytes) {
    const auto now = clock_.monotonic();
    if (!shown_ || (last_ && now - *last_ < kBetweenLines)) return;
    last_ = now;
    out_ << fmt::format("\r\x1b[Kcopied {} of {}", in_words(bytes), in_words(total_)) << std::flush;
  }

 private:
  const Clock& clock_;
  std::uint64_t total_;
  bool shown_;
  std::ostream& out_;
  std::optional<Monotonic> last_;
};

Result<FolderSize> copy_out(const std::string& from, const std::string& to, const BackupOptions& options,
                            const Clock& clock, std::ostream& err) {
  LAMBENT_TRY(const auto size, size_of_folder(from));
  LAMBENT_TRY(const auto room, free_bytes(fs::path(to).parent_path()));
  if (size.bytes > room) {
    return fail(Error::of("copy the backup to", to,
                          fmt::format("it has {}, and there is room for {}", in_words(size.bytes), in_words(room))));
  }
  const std::string unfinished = to + kUnfinished;
  Leftover leftover(unfinished);
  ProgressLine line(clock, size.bytes, options.shows_progress, err);
  LAMBENT_TRY(const auto copied, copy_folder(from, unfinished, [&](std::uint64_t bytes) { line.at(bytes); }));
  if (rename(unfinished.c_str(), to.c_str()) != 0) return fail_errno("name", to);
  leftover.keep();
  LAMBENT_TRY_VOID(sync_folder(fs::path(to).parent_path()));
  return copied;
}

Result<FolderSize> back_up(const BackupOptions& options, const std::string& to, const GetVariable& variable,
                           const AskOperator& ask, const Clock& clock, std::ostream& err) {
  LAMBENT_TRY(const auto endpoint, read_endpoint(options.data_dir));
  LAMBENT_TRY(const auto keys, root_keys(options.data_dir, endpoint, variable));
  const std::string url = options.endpoint.empty() ? endpoint.url : options.endpoint;
  LAMBENT_TRY(const auto answer, ask({.url = url, .region = endpoint.region, .keys = keys, .path = "/backup"}));
  LAMBENT_TRY(const auto made, made_folder(options.data_dir, answer));
  const Leftover leftover(made);
  return copy_out(made, to, options, clock, err);
}

}  // namespace

int run_backup(const BackupOptions& options, const GetVariable& variable, const AskOperator& ask, const Clock& clock,
               std::ostream& out, std::ostream& err) {
  const auto refuse = [&](const Error& error) {
    err << "lambent backup: " << error.message() << '\n';
    return kFailed;
  };
  const auto to = new_folder(options.to);
  if (!to) return refuse(to.error());
  const auto copied = back_up(options, *to, variable, ask, clock, err);
  if (!copied) return refuse(copied.error());
  out << fmt::format("{}: {} files, {}\n", *to, copied->files, in_words(copied->bytes));
  return kDone;
}

}  // namespace lambent::cli
