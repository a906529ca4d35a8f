#include "services/iam/records.h"

#include <boost/json.hpp>

namespace lambent::services::iam {

namespace json = boost::json;

std::string encode(const RoleRecord& role) {
  return json::serialize(json::object{{"format", catalog::kRecordFormat},
                                      {"name", role.name},
                                      {"path", role.path},
                                      {"id", role.id},
                                      {"created_ms", role.created_ms},
                                      {"trust", role.trust},
                                      {"description", role.description},
                                      {"session_seconds", role.session_seconds},
                                      {"boundary", role.boundary},
                                      {"tags", catalog::pairs_to_json(role.tags)},
                                      {"inline_policies", catalog::pairs_to_json(role.inline_policies)},
                                      {"attached", json::value_from(role.attached)}});
}

Result<RoleRecord> decode_role(std::string_view text) {
  LAMBENT_TRY(const auto object, catalog::open_record(text, "role"));
  catalog::RecordReader reader(object);
  RoleRecord role;
  reader.text("name", role.name);
  reader.text("path", role.path);
  reader.text("id", role.id);
  reader.number("created_ms", role.created_ms);
  reader.text("trust", role.trust);
  reader.text("description", role.description);
  reader.number("session_seconds", role.session_seconds);
  reader.text("boundary", role.boundary);
  reader.pairs("tags", role.tags);
  reader.pairs("inline_policies", role.inline_policies);
  reader.texts("attached", role.attached);
  LAMBENT_TRY_VOID(reader.result("role"));
  return role;
}

std::string encode(const PolicyRecord& policy) {
  json::array versions;
  for (const auto& each : policy.versions) {
    versions.push_back(
        json::object{{"number", each.number}, {"document", each.document}, {"created_ms", each.created_ms}});
  }
  return json::serialize(json::object{{"format", catalog::kRecordFormat},
                                      {"name", policy.name},
                                      {"path", policy.path},
                                      {"id", policy.id},
                                      {"created_ms", policy.created_ms},
                                      {"updated_ms", policy.updated_ms},
                                      {"description", policy.description},
                                      {"default_version", policy.default_version},
                                      {"last_version", policy.last_version},
                                      {"versions", std::move(versions)},
                                      {"tags", catalog::pairs_to_json(policy.tags)}});
}

Result<PolicyRecord> decode_policy(std::string_view text) {
  LAMBENT_TRY(const auto object, catalog::open_record(text, "policy"));
  catalog::RecordReader reader(object);
  PolicyRecord policy;
  reader.text("name", policy.name);
  reader.text("path", policy.path);
  reader.text("id", policy.id);
  reader.number("created_ms", policy.created_ms);
  reader.number("updated_ms", policy.updated_ms);
  reader.text("description", policy.description);
  reader.number("default_version", policy.default_version);
  reader.number("last_version", policy.last_version);
  reader.pairs("tags", policy.tags);
  const auto* versions = object.if_contains("versions");
  if (!versions || !versions->is_array()) return fail(Error::of("read", "policy", "no versions"));
  for (const auto& each : versions->get_array()) {
    if (!each.is_object()) return fail(Error::of("read", "policy", "a version that is none"));
    catalog::RecordReader inner(each.get_object());
    auto& version = policy.versions.emplace_back();
    inner.number("number", version.number);
    inner.text("document", version.document);
    inner.number("created_ms", version.created_ms);
    LAMBENT_TRY_VOID(inner.result("policy version"));
  }
  LAMBENT_TRY_VOID(reader.result("policy"));
  return policy;
}

}  // namespace lambent::services::iam
