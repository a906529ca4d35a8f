#include "catalog/alias.h"

#include "catalog/record_reader.h"
#include "catalog/url_record.h"

namespace lambent::catalog {

std::string encode_alias(const Alias& alias) {
  json::object object{{"format", kRecordFormat},
                      {"name", alias.name},
                      {"version", alias.version},
                      {"description", alias.description},
                      {"revision_id", alias.revision_id}};
  if (alias.additional) {
    object["additional"] = json::object{{"version", alias.additional->version}, {"weight", alias.additional->weight}};
  }
  if (alias.url) object["url"] = to_json(*alias.url);
  return json::serialize(object);
}

Result<Alias> decode_alias(std::string_view text) {
  LAMBENT_TRY(const auto object, open_record(text, "alias"));
  RecordReader reader(object);
  Alias alias;
  reader.text("name", alias.name);
  reader.text("version", alias.version);
  reader.text("description", alias.description);
  reader.text("revision_id", alias.revision_id);
  if (const auto* weighted = reader.object("additional")) {
    RecordReader inner(*weighted);
    alias.additional = Alias::Weighted{};
    inner.text("version", alias.additional->version);
    inner.number("weight", alias.additional->weight);
    if (!inner.failed().empty()) reader.fail_at("additional." + inner.failed());
  }
  if (const auto* url = reader.object("url")) read_url(reader, *url, alias.url.emplace());
  LAMBENT_TRY_VOID(reader.result("alias"));
  return alias;
}

}  // namespace lambent::catalog
