#include "catalog/record_reader.h"

#include <fmt/format.h>

namespace lambent::catalog {
namespace {

std::unexpected<Error> bad_record(std::string_view what, std::string detail) {
  return fail(Error::of(fmt::format("read {} record", what), "", detail));
}

}  // namespace

Result<json::object> open_record(std::string_view text, std::string_view what) {
  boost::system::error_code failed;
  auto value = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return bad_record(what, "no JSON: " + failed.message());
  if (!value.is_object()) return bad_record(what, "no JSON object");
  auto& object = value.get_object();
  RecordReader reader(object);
  int format = 0;
  reader.number("format", format);
  if (!reader.failed().empty()) return bad_record(what, "no format");
  if (format < 1 || format > kRecordFormat) {
    return bad_record(
        what, fmt::format("format {} is not known: it was written by a newer Lambent (this one knows 1 to {})", format,
                          kRecordFormat));
  }
  return std::move(object);
}

json::array pairs_to_json(const Pairs& pairs) {
  json::array array;
  for (const auto& [name, value] : pairs) array.emplace_back(json::array{json::string(name), json::string(value)});
  return array;
}

Result<> RecordReader::result(std::string_view what) const {
  if (failed_.empty()) return {};
  return bad_record(what, "member missing or wrong: " + failed_);
}

}  // namespace lambent::catalog
