#include "cli/scope_text.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "cli/text.h"

namespace changevault {
namespace {

bool is_plain(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-' || c == '/' || c == ':' || c == ',';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), plain);
}

std::string escaped_word(const std::string& text) {
  std::string out = "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      out += std::string("\\") + c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += fmt::format("\\{:03o}", byte);
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace

std::string quoted_word(const std::string& text) {
  if (is_plain(text)) return text;
  if (printable(text) != text) return escaped_word(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

namespace {

// May stand as a position: no flag, no date.
bool is_word(const std::string& text) {
  return !text.empty() &&
         (std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '_' || text[0] == '*');
}

std::string names_of(const Scope& scope) {
  std::string out;
  if (is_word(scope.database) && (scope.collection.empty() || is_word(scope.collection))) {
    out += " " + quoted_word(scope.database);
    return scope.collection.empty() ? out : out + " " + quoted_word(scope.collection);
  }
  if (!scope.database.empty()) out += " --db=" + quoted_word(scope.database);
  if (!scope.collection.empty()) out += " --collection=" + quoted_word(scope.collection);
  return out;
}

std::string time_of(Timestamp time) {
  if (time.ms % 1000 != 0) return to_rfc3339(time);
  const std::string text = to_rfc3339_seconds(time);
  if (text.ends_with("T00:00:00Z")) return text.substr(0, 10);
  return text.ends_with(":00:00Z") ? text.substr(0, 13) : text;
}

std::string times_of(const TimeRange& range) {
  const bool from = range.from.ms != INT64_MIN;
  const bool to = range.to.ms != INT64_MAX;
  const std::string first = from ? time_of(range.from) : "";
  if (from && to && first.size() == 10 && range.to - range.from == hours(24)) return " --date " + first;
  return (from ? " --from " + first : "") + (to ? " --to " + time_of(range.to) : "");
}

}  // namespace

std::string command_words(const Scope& scope) {
  std::string out = names_of(scope) + times_of(scope.time);
  if (scope.hours_of_day) {
    out += " --hours " + std::to_string(scope.hours_of_day->first) + "-" +
           std::to_string(scope.hours_of_day->second);
  }
  std::string operations;
  for (const std::string& operation : scope.operations)
    operations += (operations.empty() ? "" : ",") + operation;
  if (!operations.empty()) out += " --op " + quoted_word(operations);
  if (!scope.key.empty()) out += " --key " + quoted_word(scope.key);
  for (const FieldCondition& condition : scope.where)
    out += " --where " + quoted_word(condition.field + "=" + condition.value);
  if (!scope.pattern.empty()) out += " --pattern " + quoted_word(scope.pattern);
  return out;
}

}  // namespace changevault
