// A service model as data: what the generator emits and what the codecs walk. One generic reader or writer for each
// wire format works on every structure by offset, so a service adds tables, not code.
//
// All of it is constant, initialised at compile time, and lives as long as the program.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lambent::protocol {

// Milliseconds since 1970-01-01 UTC: the finest that AWS's formats carry.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// How a value is held in memory (in brackets) and what it is on the wire.
enum class Kind : std::uint8_t {
  boolean,          // bool
  integer,          // std::int32_t
  long_integer,     // std::int64_t
  floating,         // double
  string,           // std::string, enumerations too
  blob,             // std::string: the bytes; base64 inside JSON
  timestamp,        // Timestamp
  list,             // std::vector<T>
  map,              // Map<T>
  structure,        // the generated struct
  attribute_value,  // AttributeValue
};

enum class TimeFormat : std::uint8_t { automatic, epoch_seconds, iso8601, http_date };

struct Structure;

// A regular expression of the model, as a table that is walked once over the text (see pattern.h).
struct Pattern;

struct Constraints {
  bool has_min = false;  // string: length in UTF-16 units; blob, list, map: size; number: value
  bool has_max = false;
  double min = 0;
  double max = 0;
  const Pattern* pattern = nullptr;
  std::string_view pattern_words{};  // what the service itself says of a text that does not match, where it does
  std::span<const std::string_view> values{};  // of an enumeration; empty where there is none
};

struct ListOps {
  void (*clear)(void* list);
  void* (*append)(void* list);  // a new, empty element
  std::size_t (*size)(const void* list);
  const void* (*at)(const void* list, std::size_t index);
};

struct MapOps {
  void (*clear)(void* map);
  void* (*append)(void* map, std::string key);  // a new, empty value
  void (*finish)(void* map);                    // after the last append
  std::size_t (*size)(const void* map);
  const std::string& (*key)(const void* map, std::size_t index);
  const void* (*value)(const void* map, std::size_t index);
};

struct OptionalOps {
  void* (*emplace)(void* optional);          // a new, empty value
  const void* (*get)(const void* optional);  // null where absent
};

struct Shape {
  std::string_view name;  // in the model
  Kind kind;
  bool sensitive = false;                          // values are never repeated in messages
  bool flattened = false;                          // list and map in Query and XML
  TimeFormat time_format = TimeFormat::automatic;  // automatic: as the place has it by default
  const Constraints* constraints = nullptr;
  const Structure* structure = nullptr;
  const Shape* key = nullptr;      // map
  const Shape* element = nullptr;  // list, map
  const ListOps* list = nullptr;
  const MapOps* map = nullptr;
  std::string_view element_name = "member";  // list in Query and XML
};

// Where a member travels.
enum class Place : std::uint8_t { body, label, query, header, header_prefix, status_code };

struct Member {
  std::string_view name;  // in the model
  std::string_view wire;  // JSON key, label, query key, header, XML element
  const Shape* shape;
  const OptionalOps* optional;  // null: held plain
  std::uint32_t offset;
  Place place = Place::body;
  bool required = false;
};

inline constexpr std::size_t kMaxMembers = 128;
inline constexpr std::uint8_t kNoPayload = 255;

struct Structure {
  std::string_view name;
  std::span<const Member> members;
  std::uint8_t payload = kNoPayload;  // index of the member that is the whole body
};

// An error of the model.
struct ErrorShape {
  const Structure* structure;
  std::string_view code;            // on the wire
  std::string_view message_member;  // empty where it has none
  int status;
  bool service_fault;
};

}  // namespace lambent::protocol
