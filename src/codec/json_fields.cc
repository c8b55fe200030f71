#include "codec/json_fields.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "codec/json.h"

namespace changevault {

bool is_hex(std::string_view text, std::size_t digits) {
  if (text.size() != digits) return false;
  bool all = true;  // no branch for each: ledgers hold millions of checksums
  for (const char c : text) all &= (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  return all;
}

JsonFields::JsonFields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
  if (!json_.is_object()) fail("not a JSON object");
}

void JsonFields::fail(const std::string& what) {
  if (!error_) error_ = Error(ErrorCode::kCorrupt, what, where_);
}

const Json* JsonFields::find(const char* field) {
  if (error_) return nullptr;
  const auto it = json_.find(field);
  if (it == json_.end()) {
    fail(std::string("field '") + field + "' is missing");
    return nullptr;
  }
  return &*it;
}

bool JsonFields::has(const char* field) const {
  if (!json_.is_object()) return false;
  const auto it = json_.find(field);
  return it != json_.end() && !it->is_null();
}

std::string JsonFields::text(const char* field) {
  const Json* json = find(field);
  if (json == nullptr) return {};
  if (json->is_string()) return json->get<std::string>();
  fail(std::string("field '") + field + "' is not a string");
  return {};
}

std::string JsonFields::optional_text(const char* field) {
  return has(field) ? text(field) : std::string();
}

std::int64_t JsonFields::integer(const char* field) {
  const Json* json = find(field);
  if (json == nullptr) return 0;
  const bool fits =
      json->is_number_integer() && (!json->is_number_unsigned() || json->get<std::uint64_t>() <= INT64_MAX);
  if (fits) return json->get<std::int64_t>();
  fail(std::string("field '") + field + "' is not an integer");
  return 0;
}

std::int64_t JsonFields::count(const char* field) {
  const std::int64_t value = integer(field);
  if (value < 0) fail(std::string("field '") + field + "' is negative");
  return value;
}

bool JsonFields::boolean(const char* field) {
  const Json* json = find(field);
  if (json == nullptr) return false;
  if (json->is_boolean()) return json->get<bool>();
  fail(std::string("field '") + field + "' is not true or false");
  return false;
}

Timestamp JsonFields::time(const char* field) {
  const std::string value = text(field);
  if (error_) return {};
  const auto time = parse_rfc3339(value);
  if (!time) fail(std::string("field '") + field + "' is not a time: '" + value + "'");
  return time.value_or(Timestamp{});
}

std::optional<Timestamp> JsonFields::optional_time(const char* field) {
  if (!has(field)) return std::nullopt;
  return time(field);
}

Hour JsonFields::hour(const char* field) {
  const std::string value = text(field);
  if (error_) return {};
  const auto hour = parse_hour(value);
  if (!hour) fail(std::string("field '") + field + "' is not a whole hour: '" + value + "'");
  return hour.value_or(Hour{});
}

std::uint64_t JsonFields::hex64(const char* field) {
  const std::string value = text(field);
  if (error_) return 0;
  if (!is_hex(value, 16)) {
    fail(std::string("field '") + field + "' is not 16 hex digits");
    return 0;
  }
  std::uint64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number, 16);
  return number;
}

std::string JsonFields::sha256(const char* field) {
  std::string value = text(field);
  if (!error_ && !is_hex(value, 64))
    fail(std::string("field '") + field + "' is not a sha256 in lower-case hex");
  return value;
}

const Json& JsonFields::array(const char* field) {
  static const Json kEmpty = Json::array();
  const Json* json = find(field);
  if (json == nullptr) return kEmpty;
  if (json->is_array()) return *json;
  fail(std::string("field '") + field + "' is not a list");
  return kEmpty;
}

const Json& JsonFields::object(const char* field) {
  static const Json kEmpty = Json::object();
  const Json* json = find(field);
  if (json == nullptr) return kEmpty;
  if (json->is_object()) return *json;
  fail(std::string("field '") + field + "' is not an object");
  return kEmpty;
}

Result<void> JsonFields::finish() const {
  if (error_) return *error_;
  return {};
}

}  // namespace changevault
