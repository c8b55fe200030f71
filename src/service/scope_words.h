// Scopes as people and URLs write them (DESIGN's scope flags), read into a model Scope.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/scope.h"

namespace changevault {

// Everything as it was written. A flag that was given with an empty text is an error, not "all".
struct ScopeWords {
  std::vector<std::string> positions = {};  // DB [COLL] [YYYY/MM[/DD [HH]]]
  std::optional<std::string> database = {};
  std::optional<std::string> collection = {};
  std::optional<std::string> from = {};
  std::optional<std::string> to = {};
  std::optional<std::string> date = {};   // "2025/01/15", "2025-01", "2025-01-15..2025-01-20" (both included)
  std::optional<std::string> hours = {};  // "14", "10-15" (both included)
  std::vector<std::string> operations = {};  // each may be a list "insert,delete"
  std::optional<std::string> key = {};       // JSON
  std::optional<std::string> pattern = {};
  std::vector<std::string> where = {};  // each FIELD=VALUE
};

// All times are UTC. kUsage, with a hint that shows the right form, for what is no scope: impossible dates,
// hour 24, a start after its end, the same thing said twice.
Result<Scope> parse_scope(const ScopeWords& words);

// A point in time as flags write it: a date, or a date with hour, minute, second; "Z" or an offset may
// follow.
std::optional<Timestamp> parse_time_word(std::string_view text);

// True for words that positions take for a date: digits "YYYY/MM…" or "YYYY-MM…".
bool is_date_shaped(std::string_view word);

}  // namespace changevault
