// Reads the fields of a JSON object that a file of ours holds. The first thing wrong is remembered, later
// reads give empty values, and `finish` returns that first thing: a decoder reads straight through and checks
// once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "codec/json_fwd.h"
#include "model/hour.h"

namespace changevault {

class JsonFields {
 public:
  // `where` names the object for errors: a key, and what of it. `json` outlives this.
  JsonFields(const Json& json, std::string where);

  std::string text(const char* field);
  std::string optional_text(const char* field);  // empty where null or absent
  std::int64_t integer(const char* field);
  std::int64_t count(const char* field);  // an integer that is not negative
  bool boolean(const char* field);
  Timestamp time(const char* field);
  std::optional<Timestamp> optional_time(const char* field);  // nullopt where null or absent
  Hour hour(const char* field);
  std::uint64_t hex64(const char* field);
  std::string sha256(const char* field);  // 64 hex digits, lower case
  const Json& array(const char* field);
  const Json& object(const char* field);
  bool has(const char* field) const;  // there and not null

  // Remembers an error of a part that was read by other means.
  void fail(const std::string& what);
  template <typename T>
  T take(Result<T> result) {
    if (result) return std::move(result).value();
    if (!error_) error_ = std::move(result).error();
    return T{};
  }
  Result<void> finish() const;

 private:
  const Json* find(const char* field);
  const Json& json_;
  std::string where_;
  std::optional<Error> error_;
};

// Whether `text` is `digits` hex digits, lower case.
bool is_hex(std::string_view text, std::size_t digits);

}  // namespace changevault
