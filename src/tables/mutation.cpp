#include "tables/mutation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "tables/expiry.h"
#include "tables/item_codec.h"
#include "tables/item_rules.h"

namespace lambent::tables {
namespace {

using Kind = WriteRequest::Kind;

// An expression that changes a part of the key is refused before the item is looked at.
TablesResult<> check_keys_untouched(const Update& update, const KeySchema& key) {
  for (const auto& path : update.paths()) {
    if (!key.has(path.attribute())) continue;
    return invalid(fmt::format(
        "One or more parameter values were invalid: Cannot update attribute {}. This attribute is part of the key",
        path.attribute()));
  }
  return {};
}

TablesResult<> parse_expressions(const WriteRequest& request, PreparedWrite& write) {
  const bool is_update = request.kind == Kind::update;
  LAMBENT_TRY_VOID(check_placeholders(request.placeholders,
                                      is_update ? "UpdateExpression and ConditionExpression" : "ConditionExpression",
                                      request.condition || request.update));
  PlaceholderUse use(request.placeholders);
  if (request.update) {
    LAMBENT_TRY(write.update, update_of(*request.update, use));
  }
  if (request.condition) {
    LAMBENT_TRY(write.condition, condition_of(*request.condition, "ConditionExpression", use));
  }
  LAMBENT_TRY_VOID(use.check_all_used());
  if (write.update) return check_keys_untouched(*write.update, write.table->key());
  return {};
}

void stage_index(const TableDefinition& definition, const IndexDefinition& index, const Outcome& outcome,
                 Staging& staging, Capacity& capacity) {
  const auto view = view_prefix(definition.id, index.id);
  const auto entry = [&](const std::optional<Item>& item) -> std::optional<std::pair<std::string, Item>> {
    if (!item || !is_in_index(index, *item)) return std::nullopt;
    return std::pair(index_key(view, index.key, definition.key, *item), projected(index, definition.key, *item));
  };
  const auto before = entry(outcome.before);
  const auto after = entry(outcome.after);
  if (before == after) return;
  double units = 0;
  const bool moved = before && (!after || before->first != after->first);
  if (moved) {
    staging.remove(before->first);
    units += write_units(size_of(before->second));
  }
  if (after) {
    staging.put(after->first, encode_item(after->second));
    units += write_units(std::max(size_of(after->second), before && !moved ? size_of(before->second) : 0));
  }
  (index.global ? capacity.global_units : capacity.local_units)[index.name] += units;
}

void stage_expiry(const PreparedWrite& write, const TimeToLive& ttl, const Outcome& outcome, Staging& staging) {
  const auto time_of = [&](const std::optional<Item>& item) {
    return item ? expiry_of(ttl.attribute, *item) : std::nullopt;
  };
  const auto before = time_of(outcome.before);
  const auto after = time_of(outcome.after);
  if (before == after) return;
  if (before) staging.remove(expiry_key(*write.table, *before, write.at));
  if (after) staging.put(expiry_key(*write.table, *after, write.at), "");
}

void record_change(const PreparedWrite& write, const Outcome& outcome, Staging& staging) {
  using Record = StreamRecord;
  auto& stream = *write.table->stream;
  const auto view = stream.definition.view;
  Record record{.at_ms = staging.now_ms(), .by_service = write.by_service};
  record.kind = !outcome.before ? Record::Kind::insert : !outcome.after ? Record::Kind::remove : Record::Kind::modify;
  record.keys = key_of(write.table->key(), outcome.after ? *outcome.after : *outcome.before);
  const bool both = view == StreamView::new_and_old_images;
  if (both || view == StreamView::old_image) record.old_image = outcome.before;
  if (both || view == StreamView::new_image) record.new_image = outcome.after;
  staging.record(stream, record);
}

}  // namespace

std::unexpected<TablesError> unavailable(const Error& error) {
  if (error.code == EAGAIN) return refuse(ErrorKind::too_long, error.message());
  return refuse(ErrorKind::unavailable, "The request could not be stored: " + error.message());
}

std::unexpected<TablesError> no_such_table() {
  return refuse(ErrorKind::table_not_found, "Requested resource not found");
}

double write_units(std::size_t bytes) {
  return static_cast<double>(std::max<std::size_t>(1, (bytes + 1023) / 1024));
}

double read_units(std::size_t bytes, bool consistent) {
  return static_cast<double>(std::max<std::size_t>(1, (bytes + 4095) / 4096)) * (consistent ? 1.0 : 0.5);
}

double Capacity::total() const {
  double sum = table_units;
  for (const auto& [name, units] : local_units) sum += units;
  for (const auto& [name, units] : global_units) sum += units;
  return sum;
}

TablesResult<PreparedWrite> prepare_write(WriteRequest request, TablePtr table) {
  const bool returns_updates = request.return_values == ReturnValues::updated_old ||
                               request.return_values == ReturnValues::updated_new ||
                               request.return_values == ReturnValues::all_new;
  if (request.kind != Kind::update && returns_updates) return invalid("ReturnValues can only be ALL_OLD or NONE");

  PreparedWrite write{.kind = request.kind, .table = std::move(table)};
  write.definition = write.table->definition();
  write.return_values = request.return_values;
  write.item_on_condition_failure = request.item_on_condition_failure;
  write.insert = request.insert;
  LAMBENT_TRY_VOID(parse_expressions(request, write));
  const auto& definition = *write.definition;
  if (request.kind == Kind::put) {
    LAMBENT_TRY_VOID(check_item(definition, request.item, false));
    write.key = key_of(definition.key, request.item);
    write.item = std::move(request.item);
  } else {
    LAMBENT_TRY_VOID(check_key(definition.key, request.key));
    write.key = std::move(request.key);
  }
  write.at = item_key(write.table->prefix, definition.key, write.key);
  return write;
}

TablesResult<Outcome> evaluate(const PreparedWrite& write, const Staging& staging) {
  const auto definition = write.table->definition();
  if (write.table->dropped || staging.dropped.contains(write.table->id)) return no_such_table();
  auto before = staging.get(write.at);
  if (!before) return unavailable(before.error());
  Outcome outcome{.before = *std::move(before), .after = {}};

  static const Item kNothing;
  if (write.condition && !holds(*write.condition, outcome.before ? *outcome.before : kNothing)) {
    TablesError error{
        .kind = ErrorKind::condition_failed, .message = "The conditional request failed", .item = {}, .reasons = {}};
    if (write.item_on_condition_failure && outcome.before) error.item = std::make_shared<const Item>(*outcome.before);
    return std::unexpected(std::move(error));
  }
  if (write.insert && outcome.before) {
    return refuse(ErrorKind::duplicate_item, "Duplicate primary key exists in table");
  }
  if (write.kind == Kind::put) {
    // An index may have come since the item was checked.
    if (definition != write.definition) LAMBENT_TRY_VOID(check_item(*definition, write.item, false));
    outcome.after = write.item;
  }
  if (write.kind == Kind::check) outcome.after = outcome.before;
  if (write.kind == Kind::update) {
    outcome.after = outcome.before ? outcome.before : write.key;
    if (write.update) LAMBENT_TRY_VOID(apply(*write.update, *outcome.after));
    LAMBENT_TRY_VOID(check_item(*definition, *outcome.after, true));
  }
  return outcome;
}

Capacity stage(const PreparedWrite& write, const Outcome& outcome, Staging& staging) {
  const auto before_size = outcome.before ? size_of(*outcome.before) : 0;
  const auto after_size = outcome.after ? size_of(*outcome.after) : 0;
  Capacity capacity{.table = write.table->name, .table_units = write_units(std::max(before_size, after_size))};
  if (write.kind == Kind::check || outcome.before == outcome.after) return capacity;

  if (outcome.after) {
    staging.put(write.at, encode_item(*outcome.after));
  } else {
    staging.remove(write.at);
  }
  const auto definition = write.table->definition();
  for (const auto& index : definition->indexes) {
    if (index.state != ViewState::deleting) stage_index(*definition, index, outcome, staging, capacity);
  }
  if (definition->ttl && definition->ttl->state != ViewState::deleting) {
    stage_expiry(write, *definition->ttl, outcome, staging);
  }
  if (write.table->stream) record_change(write, outcome, staging);
  staging.count(write.table, (outcome.after ? 1 : 0) - (outcome.before ? 1 : 0),
                static_cast<std::int64_t>(after_size) - static_cast<std::int64_t>(before_size));
  return capacity;
}

std::optional<Item> returned(const PreparedWrite& write, const Outcome& outcome) {
  const auto updated = [&](const std::optional<Item>& item) -> std::optional<Item> {
    if (!item || !write.update) return std::nullopt;
    Item part = project(*item, write.update->paths());
    if (part.empty()) return std::nullopt;
    return part;
  };
  switch (write.return_values) {
    case ReturnValues::none:
      return std::nullopt;
    case ReturnValues::all_old:
      return outcome.before;
    case ReturnValues::all_new:
      return outcome.after;
    case ReturnValues::updated_old:
      return updated(outcome.before);
    case ReturnValues::updated_new:
      return updated(outcome.after);
  }
  return std::nullopt;
}

}  // namespace lambent::tables
