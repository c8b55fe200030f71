#include "service/scope_words.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "codec/record_conditions.h"
#include "service/suggest.h"

namespace changevault {
namespace {

Error wrong(const std::string& message, const std::string& object, const std::string& hint) {
  return Error(ErrorCode::kUsage, message, object, hint);
}

constexpr const char* kDateHint = "write a date as 2025/01/15, a month as 2025/01; times are UTC";
constexpr const char* kTimeHint =
    "write a time as 2025-01-15, 2025-01-15T14 or 2025-01-15T14:30:00Z; times are UTC";

bool all_digits(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most) return false;
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

int number(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

// The parts of a word like "2025/01/15" or "2025-01"; empty where it is not shaped so.
std::vector<std::string_view> date_parts(std::string_view word) {
  if (word.size() < 6) return {};
  const char separator = word[4];
  if (separator != '/' && separator != '-') return {};
  std::vector<std::string_view> parts = split(word, separator);
  if (parts.size() < 2 || parts.size() > 4 || !all_digits(parts[0], 4, 4)) return {};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (!all_digits(parts[i], 1, 2)) return {};
  }
  return parts;
}

struct DateSpan {
  TimeRange range;
  bool is_day = false;  // an hour may follow
};

Result<TimeRange> hour_of_day_range(Timestamp day, std::string_view digits, const std::string& word) {
  if (!all_digits(digits, 1, 2) || number(digits) > 23) {
    return wrong("there is no such hour", word, "hours go from 00 to 23, UTC");
  }
  const Timestamp from = day + hours(number(digits));
  return TimeRange{from, from + hours(1)};
}

Result<DateSpan> parse_date(const std::string& word) {
  const auto parts = date_parts(word);
  if (parts.empty()) return wrong("not a date", word, kDateHint);
  const int year = number(parts[0]);
  const int month = number(parts[1]);
  if (parts.size() == 2) {
    const auto first = from_date(year, month, 1);
    const auto next = month == 12 ? from_date(year + 1, 1, 1) : from_date(year, month + 1, 1);
    if (!first || !next) return wrong("there is no such month", word, kDateHint);
    return DateSpan{{*first, *next}, false};
  }
  const auto day = from_date(year, month, number(parts[2]));
  if (!day) return wrong("there is no such day", word, kDateHint);
  if (parts.size() == 3) return DateSpan{{*day, *day + hours(24)}, true};
  CV_ASSIGN(const TimeRange range, hour_of_day_range(*day, parts[3], word));
  return DateSpan{range, false};
}

Result<void> read_positions(const std::vector<std::string>& words, Scope& into, bool& has_time) {
  std::size_t at = 0;
  std::string* const names[] = {&into.database, &into.collection};
  for (std::string* const name : names) {
    if (at == words.size() || is_date_shaped(words[at])) break;
    if (words[at].empty())
      return wrong("a name must not be empty", "", "use * for all databases or collections");
    *name = words[at++];
  }
  if (at == words.size()) return {};
  if (!is_date_shaped(words[at])) {
    return wrong("after database and collection a date is expected", words[at], kDateHint);
  }
  has_time = true;
  CV_ASSIGN(const DateSpan span, parse_date(words[at]));
  into.time = span.range;
  if (++at == words.size()) return {};
  if (!span.is_day) {
    return wrong("an hour stands behind a day only", words[at],
                 "for example: inventory_db products 2025/01/15 14");
  }
  CV_ASSIGN(into.time, hour_of_day_range(span.range.from, words[at], words[at]));
  if (++at == words.size()) return {};
  return wrong("too many words", words[at], "a scope is: DB COLLECTION 2025/01/15 14");
}

Result<void> read_name(const std::optional<std::string>& flag, const char* flag_name, std::string& into) {
  if (!flag) return {};
  if (flag->empty())
    return wrong(std::string(flag_name) + " must not be empty", "", "use * for all, or leave it out");
  if (!into.empty()) {
    return wrong("said twice, as a word and with " + std::string(flag_name), *flag, "keep one of them");
  }
  into = *flag;
  return {};
}

Result<void> read_date_range(const std::string& text, Scope& into) {
  const std::size_t dots = text.find("..");
  CV_ASSIGN(const DateSpan first, parse_date(text.substr(0, dots)));
  into.time = first.range;
  if (dots == std::string::npos) return {};
  CV_ASSIGN(const DateSpan last, parse_date(text.substr(dots + 2)));
  if (last.range.to <= first.range.from) {
    return wrong("the range ends before it starts", text, "write the earlier date first: A..B includes both");
  }
  into.time.to = last.range.to;
  return {};
}

Result<void> read_from_to(const ScopeWords& words, Scope& into) {
  if (words.from) {
    const auto from = parse_time_word(*words.from);
    if (!from) return wrong("--from is not a time", *words.from, kTimeHint);
    into.time.from = *from;
  }
  if (words.to) {
    const auto to = parse_time_word(*words.to);
    if (!to) return wrong("--to is not a time", *words.to, kTimeHint);
    into.time.to = *to;
  }
  if (into.time.from >= into.time.to) {
    return wrong("the range ends before it starts", words.from.value_or("") + " to " + words.to.value_or(""),
                 "--from is included, --to is not");
  }
  return {};
}

Result<void> read_times(const ScopeWords& words, Scope& into) {
  bool has_time = false;
  CV_TRY(read_positions(words.positions, into, has_time));
  const bool has_range = words.from || words.to;
  if (static_cast<int>(has_time) + static_cast<int>(words.date.has_value()) + static_cast<int>(has_range) >
      1) {
    return wrong("the time is given twice", "", "use one of: a date as a word, --date, or --from with --to");
  }
  if (words.date) CV_TRY(read_date_range(*words.date, into));
  if (has_range) CV_TRY(read_from_to(words, into));
  return {};
}

Result<void> read_hours(const std::string& text, Scope& into) {
  const std::size_t dash = text.find('-');
  const std::string_view first = std::string_view(text).substr(0, dash);
  const std::string_view last = dash == std::string::npos ? first : std::string_view(text).substr(dash + 1);
  const bool shaped = all_digits(first, 1, 2) && all_digits(last, 1, 2);
  if (!shaped || number(first) > 23 || number(last) > 23) {
    return wrong("--hours are not hours of a day", text,
                 "write 14 or 10-15 (both included); hours go from 00 to 23, UTC");
  }
  if (number(first) > number(last)) {
    return wrong("the hours end before they start", text,
                 "for hours over midnight run the command twice, " + std::string(first) + "-23 and 0-" +
                     std::string(last));
  }
  into.hours_of_day = {number(first), number(last)};
  return {};
}

std::string in_lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// MongoDB's operation types as they are spelt. Others pass, as MongoDB may add some; but what is nearly one
// of these is a slip that would match nothing, and "quiet" would be said of it.
std::string other_spelling(std::string_view operation) {
  static const std::vector<std::string> known{"insert",
                                              "update",
                                              "replace",
                                              "delete",
                                              "drop",
                                              "rename",
                                              "invalidate",
                                              "create",
                                              "createIndexes",
                                              "dropDatabase",
                                              "dropIndexes",
                                              "modify",
                                              "shardCollection",
                                              "refineCollectionShardKey",
                                              "endOfTransaction",
                                              "reshardCollection"};
  if (std::ranges::find(known, operation) != known.end()) return {};
  for (const std::string& each : known) {
    if (in_lower_case(each) == in_lower_case(operation)) return each;
  }
  return nearest(operation, known);
}

Result<void> read_operations(const std::vector<std::string>& lists, Scope& into) {
  for (const std::string& list : lists) {
    for (const std::string_view operation : split(list, ',')) {
      if (operation.empty()) {
        return wrong("an operation type is missing", "--op " + list, "write it like: --op insert,delete");
      }
      if (const std::string meant = other_spelling(operation); !meant.empty()) {
        return wrong("there is no such operation type", "--op " + std::string(operation),
                     "did you mean " + meant + "?");
      }
      into.operations.emplace(operation);
    }
  }
  return {};
}

Result<void> read_where(const std::string& text, Scope& into) {
  Result<FieldCondition> condition = read_condition(text);
  if (condition) {
    into.where.push_back(*std::move(condition));
    return {};
  }
  Error error = std::move(condition).error();
  if (error.hint.empty()) error.hint = record_field_hint(error.object);
  error.message = "--where: " + error.message;
  return error;
}

// Completes "2025-01-15T14" and its like to RFC 3339.
std::string completed(std::string_view clock, std::string_view zone) {
  std::string out(clock);
  if (out.size() == 2) out += ":00";
  if (out.size() == 5) out += ":00";
  return out + (zone.empty() ? "Z" : std::string(zone));
}

}  // namespace

bool is_date_shaped(std::string_view word) {
  return !date_parts(word).empty();
}

std::optional<Timestamp> parse_time_word(std::string_view text) {
  const std::size_t split_at = text.find_first_of("Tt ");
  const auto parts = date_parts(text.substr(0, split_at));
  if (parts.size() != 3) return std::nullopt;
  const auto day = from_date(number(parts[0]), number(parts[1]), number(parts[2]));
  if (!day || split_at == std::string_view::npos) return day;
  const std::string_view rest = text.substr(split_at + 1);
  const std::size_t zone = rest.find_first_of("Zz+-");
  const std::string_view clock = rest.substr(0, zone);
  const std::string_view zone_text = zone == std::string_view::npos ? std::string_view() : rest.substr(zone);
  return parse_rfc3339(to_rfc3339(*day).substr(0, 11) + completed(clock, zone_text));
}

Result<Scope> parse_scope(const ScopeWords& words) {
  Scope out;
  CV_TRY(read_times(words, out));
  CV_TRY(read_name(words.database, "--db", out.database));
  CV_TRY(read_name(words.collection, "--collection", out.collection));
  if (words.hours) CV_TRY(read_hours(*words.hours, out));
  CV_TRY(read_operations(words.operations, out));
  if (words.key) {
    out.key = *words.key;
    if (out.key.empty() || !RecordConditions::of(out)) {
      return wrong(
          "--key is no document key in JSON", *words.key,
          R"(write it as in the event: --key '{"_id":"42"}', or the _id alone: --key 42, --key '"42"')");
    }
  }
  for (const std::string& condition : words.where) CV_TRY(read_where(condition, out));
  if (words.pattern) {
    if (words.pattern->empty())
      return wrong("--pattern must not be empty", "", "for example: --pattern '14-*'");
    out.pattern = *words.pattern;
  }
  return out;
}

}  // namespace changevault
