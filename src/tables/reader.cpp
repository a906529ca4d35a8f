#include "tables/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tables/item_codec.h"
#include "tables/item_rules.h"
#include "tables/key_condition.h"
#include "tables/mutation.h"

namespace lambent::tables {
namespace {

using store::Space;

TablesResult<std::optional<Item>> load(const store::Snapshot& snapshot, const std::string& key) {
  const auto bytes = snapshot.get(Space::tables, key);
  if (!bytes) return unavailable(bytes.error());
  if (!*bytes) return std::nullopt;
  auto item = decode_item(**bytes);
  if (!item) return unavailable(item.error());
  return std::optional(*std::move(item));
}

// A page request with everything found and parsed.
struct Plan {
  const Table* table = nullptr;
  std::shared_ptr<const TableDefinition> definition;
  const IndexDefinition* index = nullptr;  // of the definition; null: the table itself
  std::string view;
  KeyRange range;
  std::optional<Condition> filter;
  std::optional<std::vector<DocumentPath>> projection;
  bool count_only = false;
  bool from_table = false;  // an index's entries lack attributes that are asked for
  std::size_t limit = 0;    // 0: none

  [[nodiscard]] const KeySchema& key() const { return index != nullptr ? index->key : table->key(); }
};

TablesResult<> find_view(const PageRequest& request, const Table& table, Plan& plan) {
  plan.table = &table;
  plan.view = table.prefix;
  if (!request.index) return {};
  plan.definition = table.definition();
  plan.index = plan.definition->index(*request.index);
  if (plan.index == nullptr || plan.index->state == ViewState::deleting) {
    return invalid("The table does not have the specified index: " + *request.index);
  }
  if (plan.index->state == ViewState::creating) {
    return invalid("Cannot read from backfilling global secondary index: " + *request.index);
  }
  if (plan.index->global && request.consistent) {
    return invalid("Consistent reads are not supported on global secondary indexes");
  }
  plan.view = view_prefix(table.id, plan.index->id);
  return {};
}

TablesResult<> check_select(const PageRequest& request, Plan& plan) {
  plan.count_only = request.select == Select::count;
  if (request.projection && request.select && *request.select != Select::specific) {
    constexpr std::array<std::string_view, 4> kNames = {"ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "",
                                                        "only the Count"};
    return invalid(fmt::format("Cannot specify the ProjectionExpression when choosing to get {}",
                               kNames[static_cast<std::size_t>(*request.select)]));
  }
  if (request.select == Select::specific && !request.projection) {
    return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
  }
  if (request.select == Select::all_projected && !request.index) {
    return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  }
  return {};
}

// Attributes that are asked for but that the index does not hold: a local index has them fetched from the table.
TablesResult<> check_projected(const PageRequest& request, Plan& plan) {
  if (plan.index == nullptr || plan.index->projection == IndexDefinition::Projection::all) return {};
  if (request.select == Select::all_attributes) {
    if (plan.index->global) {
      return invalid(fmt::format(
          "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary "
          "index {} because its projection type is not ALL",
          plan.index->name));
    }
    plan.from_table = true;
  }
  std::set<std::string> asked;
  if (plan.projection) {
    for (const auto& path : *plan.projection) asked.insert(path.attribute());
  }
  if (plan.filter) asked.merge(attributes_of(*plan.filter));
  std::vector<std::string> missing;
  for (const auto& name : asked) {
    const bool held = plan.index->key.has(name) || plan.table->key().has(name) ||
                      std::ranges::find(plan.index->included, name) != plan.index->included.end();
    if (!held) missing.push_back(name);
  }
  if (missing.empty()) return {};
  if (!plan.index->global) {
    plan.from_table = true;
    return {};
  }
  return invalid(
      fmt::format("One or more parameter values were invalid: Global secondary index {} does not project [{}]",
                  plan.index->name, fmt::join(missing, ", ")));
}

TablesResult<> parse_expressions(const PageRequest& request, Plan& plan) {
  const bool any = request.key_condition || request.filter || request.projection;
  LAMBENT_TRY_VOID(check_placeholders(request.placeholders, "FilterExpression", any));
  PlaceholderUse use(request.placeholders);
  std::optional<Condition> key_condition;
  if (request.key_condition) {
    LAMBENT_TRY(key_condition, condition_of(*request.key_condition, "KeyConditionExpression", use));
  }
  if (request.filter) {
    LAMBENT_TRY(plan.filter, condition_of(*request.filter, "FilterExpression", use));
  }
  if (request.projection) {
    LAMBENT_TRY(plan.projection, paths_of(*request.projection, use));
  }
  LAMBENT_TRY_VOID(use.check_all_used());
  if (!key_condition) return {};

  LAMBENT_TRY(plan.range, key_range(*key_condition, plan.key(), plan.view));
  if (!plan.filter || request.filter_on_keys) return {};
  for (const auto& name : attributes_of(*plan.filter)) {
    if (plan.key().has(name)) {
      return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: " + name);
    }
  }
  return {};
}

TablesResult<> choose_segment(const PageRequest& request, Plan& plan) {
  if (request.segment && !request.total_segments) {
    return invalid(
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present");
  }
  if (request.total_segments && !request.segment) {
    return invalid(
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
  }
  const auto total = request.total_segments.value_or(1);
  const auto segment = request.segment.value_or(0);
  if (segment >= total) {
    return invalid(
        fmt::format("The Segment parameter is zero-based and must be less than parameter TotalSegments: "
                    "Segment: {} is not less than TotalSegments: {}",
                    segment, total));
  }
  plan.range = {segment_start(plan.view, static_cast<std::uint32_t>(segment), static_cast<std::uint32_t>(total)),
                segment_start(plan.view, static_cast<std::uint32_t>(segment + 1), static_cast<std::uint32_t>(total))};
  return {};
}

// The key that a page went up to: for an index its own keys and the table's.
Item page_key(const Plan& plan, const Item& item) {
  Item key = key_of(plan.table->key(), item);
  if (plan.index != nullptr) key.merge(key_of(plan.index->key, item));
  return key;
}

TablesResult<> start_after(const Item& given, bool forward, bool is_query, Plan& plan) {
  const auto well_typed = [&](const KeySchema& schema) {
    const auto fits = [&](const KeyAttribute& attribute) {
      const auto at = given.find(attribute.name);
      return at != given.end() && at->second.type() == attribute.type;
    };
    return fits(schema.hash) && (!schema.range || fits(*schema.range));
  };
  if (!well_typed(plan.table->key()) || !well_typed(plan.key()) || page_key(plan, given).size() != given.size()) {
    return invalid("The provided starting key is invalid");
  }
  const std::string at = plan.index != nullptr ? index_key(plan.view, plan.index->key, plan.table->key(), given)
                                               : item_key(plan.view, plan.table->key(), given);
  if (at < plan.range.lower || (!plan.range.upper.empty() && at >= plan.range.upper)) {
    return invalid(is_query ? "The provided starting key is outside query boundaries based on provided conditions"
                            : "The provided starting key is invalid");
  }
  if (forward) {
    plan.range.lower = at + '\0';
  } else {
    plan.range.upper = at;
  }
  return {};
}

TablesResult<Plan> make_plan(const Table& table, const PageRequest& request) {
  Plan plan;
  LAMBENT_TRY_VOID(find_view(request, table, plan));
  LAMBENT_TRY_VOID(check_select(request, plan));
  if (!request.key_condition) LAMBENT_TRY_VOID(choose_segment(request, plan));
  LAMBENT_TRY_VOID(parse_expressions(request, plan));
  LAMBENT_TRY_VOID(check_projected(request, plan));
  if (request.start_after) {
    LAMBENT_TRY_VOID(start_after(*request.start_after, request.forward, request.key_condition.has_value(), plan));
  }
  plan.limit = static_cast<std::size_t>(std::max<std::int64_t>(0, request.limit.value_or(0)));
  return plan;
}

// Walks the range and fills the page until a limit; the bytes it looked at.
TablesResult<std::size_t> fill(const store::Snapshot& snapshot, const Plan& plan, const PageRequest& request,
                               std::size_t most_bytes, Page& page) {
  const bool forward = request.forward;
  const auto cursor = snapshot.cursor(Space::tables, plan.range.lower, plan.range.upper);
  std::size_t bytes = 0, looked_at = 0;
  std::optional<Item> previous;
  for (forward ? cursor->seek_first() : cursor->seek_last(); cursor->valid();
       forward ? cursor->next() : cursor->previous()) {
    auto decoded = decode_item(cursor->value());
    if (!decoded) return unavailable(decoded.error());
    Item item = *std::move(decoded);
    const auto size = size_of(item);
    if (previous && bytes + size > kPageBytes) {
      page.last = page_key(plan, *previous);
      break;
    }
    bytes += size;
    looked_at += size;
    if (looked_at > most_bytes) return refuse(ErrorKind::too_long, "the page is a long one");
    ++page.scanned;
    previous = page_key(plan, item);
    if (plan.from_table) {
      LAMBENT_TRY(auto whole, load(snapshot, item_key(plan.table->prefix, plan.table->key(), item)));
      if (whole) {
        // What a local index lacks is fetched from the table, each item a read of its own.
        looked_at += size_of(*whole);
        page.capacity.table_units += read_units(size_of(*whole), request.consistent);
        item = *std::move(whole);
      }
    }
    if (!plan.filter || holds(*plan.filter, item)) {
      ++page.count;
      if (!plan.count_only) page.items.push_back(plan.projection ? project(item, *plan.projection) : std::move(item));
    }
    if (plan.limit != 0 && page.scanned == static_cast<std::int64_t>(plan.limit)) {
      page.last = *std::move(previous);
      break;
    }
  }
  if (const auto status = cursor->status(); !status) return unavailable(status.error());
  return bytes;
}

}  // namespace

TablesResult<GetResult> read_item(const store::Snapshot& snapshot, const Table& table, const GetRequest& request) {
  LAMBENT_TRY_VOID(check_placeholders(request.placeholders, "ProjectionExpression", request.projection.has_value()));
  PlaceholderUse use(request.placeholders);
  std::optional<std::vector<DocumentPath>> projection;
  if (request.projection) {
    LAMBENT_TRY(projection, paths_of(*request.projection, use));
  }
  LAMBENT_TRY_VOID(use.check_all_used());
  LAMBENT_TRY_VOID(check_key(table.key(), request.key));
  LAMBENT_TRY(auto item, load(snapshot, item_key(table.prefix, table.key(), request.key)));
  GetResult result;
  result.capacity = {.table = table.name, .table_units = read_units(item ? size_of(*item) : 0, request.consistent)};
  if (item) result.item = projection ? project(*item, *projection) : *std::move(item);
  return result;
}

TablesResult<Page> read_page(const store::Snapshot& snapshot, const Table& table, const PageRequest& request,
                             std::size_t most_bytes) {
  LAMBENT_TRY(const auto plan, make_plan(table, request));
  Page page;
  page.capacity.table = table.name;
  std::size_t bytes = 0;
  if (plan.range.upper.empty() || plan.range.lower < plan.range.upper) {
    LAMBENT_TRY(bytes, fill(snapshot, plan, request, most_bytes, page));
  }
  const double units = read_units(bytes, request.consistent);
  if (plan.index == nullptr) {
    page.capacity.table_units = units;
  } else {
    (plan.index->global ? page.capacity.global_units : page.capacity.local_units)[plan.index->name] = units;
  }
  return page;
}

}  // namespace lambent::tables
