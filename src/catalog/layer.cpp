#include "catalog/layer.h"

#include "catalog/record_reader.h"

namespace lambent::catalog {
namespace {

json::array to_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace

std::string encode_layer(const LayerVersion& layer) {
  return json::serialize(json::object{{"format", kRecordFormat},
                                      {"name", layer.name},
                                      {"version", layer.version},
                                      {"description", layer.description},
                                      {"license", layer.license},
                                      {"runtimes", to_json(layer.runtimes)},
                                      {"architectures", to_json(layer.architectures)},
                                      {"created", layer.created},
                                      {"code_digest", layer.code_digest},
                                      {"code_size", layer.code_size},
                                      {"code_unzipped", layer.code_unzipped},
                                      {"policy", pairs_to_json(layer.policy)},
                                      {"revision_id", layer.revision_id}});
}

Result<LayerVersion> decode_layer(std::string_view text) {
  LAMBENT_TRY(const auto object, open_record(text, "layer"));
  RecordReader reader(object);
  LayerVersion layer;
  reader.text("name", layer.name);
  reader.number("version", layer.version);
  reader.text("description", layer.description);
  reader.text("license", layer.license);
  reader.texts("runtimes", layer.runtimes);
  reader.texts("architectures", layer.architectures);
  reader.text("created", layer.created);
  reader.text("code_digest", layer.code_digest);
  reader.number("code_size", layer.code_size);
  reader.number("code_unzipped", layer.code_unzipped);
  reader.pairs("policy", layer.policy);
  reader.text("revision_id", layer.revision_id);
  LAMBENT_TRY_VOID(reader.result("layer"));
  return layer;
}

}  // namespace lambent::catalog
