#include "archive/slot_fields.h"

#include <charconv>

#include "codec/json_fields.h"

namespace changevault {

void SlotFailure::add(const std::string& what) {
  if (!error) error = Error(ErrorCode::kCorrupt, what, object);
}

SlotFields::SlotFields(simdjson::dom::element json, SlotFailure& failure) : failure_(failure) {
  if (json.get(json_) != simdjson::SUCCESS) fail("not a JSON object");
}

template <typename T>
T SlotFields::get(const char* field, const char* wanted) {
  T value{};
  if (failure_.error) return value;
  const simdjson::error_code failed = json_.at_key(field).get(value);
  if (failed == simdjson::SUCCESS) return value;
  if (failed == simdjson::NO_SUCH_FIELD) {
    fail(std::string("field '") + field + "' is missing");
  } else {
    fail(std::string("field '") + field + "' is not " + wanted);
  }
  return T{};
}

std::string_view SlotFields::text(const char* field) {
  return get<std::string_view>(field, "a string");
}

std::int64_t SlotFields::integer(const char* field) {
  return get<std::int64_t>(field, "an integer");
}

std::int64_t SlotFields::count(const char* field) {
  const std::int64_t value = integer(field);
  if (value < 0) fail(std::string("field '") + field + "' is negative");
  return value;
}

Timestamp SlotFields::time(const char* field) {
  const std::string_view value = text(field);
  if (failure_.error) return {};
  const auto time = parse_rfc3339(value);
  if (!time) fail(std::string("field '") + field + "' is not a time: '" + std::string(value) + "'");
  return time.value_or(Timestamp{});
}

std::optional<Timestamp> SlotFields::optional_time(const char* field) {
  simdjson::dom::element value;
  if (json_.at_key(field).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return time(field);
}

std::optional<std::int64_t> SlotFields::optional_count(const char* field) {
  simdjson::dom::element value;
  if (json_.at_key(field).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return count(field);
}

bool SlotFields::flag(const char* field) {
  simdjson::dom::element value;
  if (json_.at_key(field).get(value) != simdjson::SUCCESS) return false;
  bool set = false;
  if (value.get(set) != simdjson::SUCCESS) failure_.add(std::string("'") + field + "' is not true or false");
  return set;
}

Hour SlotFields::hour(const char* field) {
  const std::string_view value = text(field);
  if (failure_.error) return {};
  const auto hour = parse_hour(value);
  if (!hour) fail(std::string("field '") + field + "' is not a whole hour: '" + std::string(value) + "'");
  return hour.value_or(Hour{});
}

std::uint64_t SlotFields::hex64(const char* field) {
  const std::string_view value = text(field);
  if (failure_.error) return 0;
  if (!is_hex(value, 16)) {
    fail(std::string("field '") + field + "' is not 16 hex digits");
    return 0;
  }
  std::uint64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number, 16);
  return number;
}

std::string_view SlotFields::sha256(const char* field) {
  const std::string_view value = text(field);
  if (!failure_.error && !is_hex(value, 64))
    fail(std::string("field '") + field + "' is not a sha256 in lower-case hex");
  return value;
}

simdjson::dom::array SlotFields::array(const char* field) {
  return get<simdjson::dom::array>(field, "a list");
}

simdjson::dom::object SlotFields::object(const char* field) {
  return get<simdjson::dom::object>(field, "an object");
}

std::optional<SlotFields> SlotFields::optional_object(const char* field) {
  simdjson::dom::element value;
  if (json_.at_key(field).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return SlotFields(value, failure_);
}

}  // namespace changevault
