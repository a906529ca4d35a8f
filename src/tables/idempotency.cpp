#include "tables/idempotency.h"

#include "store/blob_store.h"
#include "tables/item_codec.h"

namespace lambent::tables {
namespace {

constexpr std::string_view kTokens = "k/";
constexpr std::int64_t kRemembered_ms = 10 * 60 * 1000;

std::string token_key(const std::string& token) {
  return std::string(kTokens) + token;
}

// What came taken apart is told apart by its statement.
template <class T>
void append_written(std::string& out, const std::optional<Written<T>>& written) {
  const auto* text = written ? std::get_if<std::string>(&*written) : nullptr;
  out.push_back(text != nullptr ? 1 : 0);
  if (text != nullptr) append_text(out, *text);
}

}  // namespace

Result<> IdempotencyTokens::load(const store::Snapshot& snapshot) {
  const auto cursor = snapshot.cursor(store::Space::tables_meta, kTokens, store::prefix_end(kTokens));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    std::string_view in = cursor->value();
    std::uint64_t at = 0;
    if (!read_varint(in, at)) return fail(Error::of("read", "transaction token", "damaged"));
    add(std::string(cursor->key().substr(kTokens.size())), {std::string(in), static_cast<std::int64_t>(at)});
  }
  return cursor->status();
}

void IdempotencyTokens::add(const std::string& token, Known known) {
  by_age_.emplace(known.at_ms, token);
  known_[token] = std::move(known);
}

TablesResult<bool> IdempotencyTokens::done_before(const std::string& token, const std::string& fingerprint,
                                                  std::int64_t now_ms) const {
  const auto at = known_.find(token);
  if (at == known_.end() || now_ms - at->second.at_ms >= kRemembered_ms) return false;
  if (at->second.fingerprint == fingerprint) return true;
  return refuse(ErrorKind::idempotent_mismatch,
                "Request parameters do not match those of the earlier request with the same client token");
}

void IdempotencyTokens::note(const std::string& token, const std::string& fingerprint, std::int64_t now_ms,
                             Staging& staging) {
  while (!by_age_.empty() && now_ms - by_age_.begin()->first >= kRemembered_ms) {
    const auto& old = by_age_.begin()->second;
    staging.remove_meta(token_key(old));
    known_.erase(old);
    by_age_.erase(by_age_.begin());
  }
  std::string value;
  append_varint(value, static_cast<std::uint64_t>(now_ms));
  staging.put_meta(token_key(token), value + fingerprint);
  add(token, {fingerprint, now_ms});
}

std::string fingerprint_of(const std::vector<WriteRequest>& requests) {
  std::string out;
  for (const auto& request : requests) {
    out.push_back(static_cast<char>(request.kind));
    out.push_back(request.item_on_condition_failure ? 1 : 0);
    append_text(out, request.table);
    append_text(out, encode_item(request.item));
    append_text(out, encode_item(request.key));
    append_text(out, request.statement);
    append_written(out, request.condition);
    append_written(out, request.update);
    Item names;
    if (request.placeholders.names) {
      for (const auto& [token, name] : *request.placeholders.names) names.emplace(token, AttributeValue(name));
    }
    append_text(out, encode_item(names));
    append_text(out, encode_item(request.placeholders.values.value_or(Item{})));
  }
  return store::sha256_hex(out);
}

}  // namespace lambent::tables
