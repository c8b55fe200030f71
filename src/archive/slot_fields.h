// Reads the fields of a ledger slot. The same way of working as JsonFields, which reads small documents, but
// made for chains of gigabytes: nothing is copied but what is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "base/result.h"
#include "base/time.h"
#include "model/hour.h"

namespace changevault {

// The first thing wrong with a slot; later reads give empty values.
struct SlotFailure {
  const std::string& object;  // the slot's key
  std::optional<Error> error;
  void add(const std::string& what);
};

// One JSON object of a slot. The document it points into and `failure` outlive it.
class SlotFields {
 public:
  SlotFields(simdjson::dom::element json, SlotFailure& failure);

  std::string_view text(const char* field);
  std::int64_t integer(const char* field);
  std::int64_t count(const char* field);  // an integer that is not negative
  Timestamp time(const char* field);
  std::optional<Timestamp> optional_time(const char* field);  // nullopt where null or absent
  std::optional<std::int64_t> optional_count(const char* field);
  bool flag(const char* field);  // false where absent
  Hour hour(const char* field);
  std::uint64_t hex64(const char* field);
  std::string_view sha256(const char* field);  // 64 hex digits, lower case
  simdjson::dom::array array(const char* field);
  simdjson::dom::object object(const char* field);
  std::optional<SlotFields> optional_object(const char* field);  // nullopt where null or absent

  void fail(const std::string& what) { failure_.add(what); }

 private:
  template <typename T>
  T get(const char* field, const char* wanted);

  simdjson::dom::object json_;
  SlotFailure& failure_;
};

}  // namespace changevault
