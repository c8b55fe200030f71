#include "model/scope.h"

#include <algorithm>

#include <fnmatch.h>

namespace changevault {
namespace {

bool name_matches(const std::string& wanted, const std::string& name) {
  return wanted.empty() || wanted == name || glob_matches(wanted, name);
}

bool hour_of_day_matches(const std::optional<std::pair<int, int>>& hours, Hour hour) {
  if (!hours) return true;
  const int h = to_civil(hour.start()).hour;
  return hours->first <= h && h <= hours->second;
}

std::string file_part(const std::string& pattern, const std::string& key) {
  if (pattern.find('/') == std::string::npos) return key.substr(key.rfind('/') + 1);
  return std::string(path_under_root(key));
}

}  // namespace

std::string_view path_under_root(std::string_view key) {
  constexpr int kDeadLetterParts = 5;  // _deadletter/YYYY/MM/DD/FILE
  constexpr int kSegmentParts = 6;     // DATABASE/COLLECTION/YYYY/MM/DD/FILE
  std::string_view path;
  std::size_t at = key.size();
  for (int parts = 1; parts <= kSegmentParts && at != 0; ++parts) {
    const std::size_t slash = key.rfind('/', at - 1);
    at = slash == std::string_view::npos ? 0 : slash;
    path = key.substr(slash == std::string_view::npos ? 0 : slash + 1);
    if (parts == kDeadLetterParts && path.starts_with("_deadletter/")) break;
  }
  return path;
}

std::string glob_of(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

bool glob_matches(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool Scope::matches(const Namespace& ns) const {
  return name_matches(database, ns.database) && name_matches(collection, ns.collection);
}

bool Scope::touches(Hour hour) const {
  return time.touches(hour) && hour_of_day_matches(hours_of_day, hour);
}

bool Scope::touches(const SegmentFacts& segment) const {
  if (!matches(segment.ns) || !touches(segment.hour)) return false;
  if (!time.overlaps(segment.min_time, segment.max_time)) return false;
  if (!pattern.empty() && !glob_matches(pattern, file_part(pattern, segment.key))) return false;
  if (operations.empty()) return true;
  return std::any_of(operations.begin(), operations.end(),
                     [&](const std::string& op) { return segment.operations.contains(op); });
}

bool Scope::takes_whole(const SegmentFacts& segment) const {
  if (asks_content() || !time.contains(segment.min_time) || !time.contains(segment.max_time)) return false;
  return operations.empty() ||
         std::all_of(segment.operations.begin(), segment.operations.end(),
                     [&](const auto& entry) { return operations.contains(entry.first); });
}

bool Scope::matches_time(Timestamp enqueued) const {
  return time.contains(enqueued) && hour_of_day_matches(hours_of_day, hour_of(enqueued));
}

bool Scope::matches_operation(const std::string& operation) const {
  return operations.empty() || operations.contains(operation);
}

bool Scope::is_whole_hours() const {
  const auto whole = [](Timestamp t) {
    return t.ms == INT64_MIN || t.ms == INT64_MAX || t.ms % 3'600'000 == 0;
  };
  return !asks_content() && pattern.empty() && operations.empty() && whole(time.from) && whole(time.to);
}

std::string to_string(const Scope& scope) {
  std::string out = (scope.database.empty() ? "*" : scope.database) + "." +
                    (scope.collection.empty() ? "*" : scope.collection);
  if (scope.time.from.ms != INT64_MIN) out += " from " + to_rfc3339(scope.time.from);
  if (scope.time.to.ms != INT64_MAX) out += " to " + to_rfc3339(scope.time.to);
  if (scope.hours_of_day) {
    out += " hours " + std::to_string(scope.hours_of_day->first) + "-" +
           std::to_string(scope.hours_of_day->second);
  }
  std::string separator = " op ";
  for (const std::string& operation : scope.operations) {
    out += separator + operation;
    separator = ",";
  }
  if (!scope.key.empty()) out += " key " + scope.key;
  for (const FieldCondition& condition : scope.where)
    out += " where " + condition.field + "=" + condition.value;
  if (!scope.pattern.empty()) out += " pattern " + scope.pattern;
  return out;
}

}  // namespace changevault
