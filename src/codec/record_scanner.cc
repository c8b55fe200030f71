#include "codec/record_scanner.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "codec/event_parser.h"
#include "codec/json_reader.h"
#include "codec/json_text.h"
#include "codec/record_fields.h"

namespace changevault {
namespace {

enum Field : std::size_t {
  kEventId,
  kProcessed,
  kPartition,
  kOffset,
  kSequence,
  kEnqueued,
  kOperation,
  kDatabase,
  kCollection,
  kDocumentKey,
  kFullDocument,
  kUpdateDescription,
  kClusterTime,
  kRawEvent,
  kFieldCount
};

static_assert(kFieldCount == kRecordFieldCount);

constexpr std::size_t kIdDigits = 32;

Error corrupt(std::string what) {
  return {ErrorCode::kCorrupt, "record: " + std::move(what)};
}

Error bad_field(Field field, const char* what) {
  return corrupt(std::string(kRecordFields[field].name) + " " + what);
}

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Others leave the zone out ("2025-01-15 14:03:07.042"); it is UTC then.
std::optional<Timestamp> parse_time(std::string_view text) {
  if (const auto time = parse_rfc3339(text)) return time;
  return parse_rfc3339(std::string(text) + "Z");
}

bool is_our_time(std::string_view text) {
  return text.size() == 24 && text[10] == 'T' && text[19] == '.' && text[23] == 'Z';
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

struct RecordScanner::Parser {
  JsonReader reader{kMaxEventDepth + 1};
  std::string key;
  std::array<std::string, kFieldCount> decoded;
  std::array<std::string_view, kFieldCount> values;  // JSON text; empty where absent
  bool strict = false;
  bool loose = false;

  Result<void> collect(std::string_view line);
  Result<std::size_t> field_of(std::string_view name, std::size_t expected);
  bool is_null(Field field) const { return values[field].empty() || values[field] == "null"; }
  Result<std::optional<std::string_view>> text(Field field);
  Result<std::string_view> required_text(Field field);
  Result<std::optional<Timestamp>> time(Field field);
  Result<std::optional<std::int64_t>> sequence();
  std::optional<std::string_view> json(Field field) const;
  Result<void> check_form() const;
  Result<RecordView> view();
};

// The index of the field, or kFieldCount for one that is not ours.
Result<std::size_t> RecordScanner::Parser::field_of(std::string_view name, std::size_t expected) {
  if (expected < kFieldCount && name == kRecordFields[expected].name) return expected;
  name = decoded_json(name, key);
  const std::size_t found = find_record_field(name).value_or(kFieldCount);
  if (strict) return corrupt("field " + std::string(name.substr(0, 64)) + " is not where it belongs");
  return found;
}

Result<void> RecordScanner::Parser::collect(std::string_view line) {
  values.fill({});
  if (!reader.open(line, strict)) return corrupt("not JSON: " + reader.error());
  if (reader.peek() != '{') return corrupt("not an object");
  std::size_t expected = 0;
  std::string_view name;
  ObjectFields fields(reader);
  while (fields.next(name)) {
    CV_ASSIGN(const std::size_t field, field_of(name, expected));
    std::string_view value;
    if (!(strict ? reader.check(value) : reader.skip(value))) break;
    ++expected;
    if (field == kFieldCount) continue;
    if (!values[field].empty()) return bad_field(static_cast<Field>(field), "stands there twice");
    values[field] = value;
  }
  if (reader.failed() || !reader.finish()) return corrupt("not JSON: " + reader.error());
  if (strict && expected != kFieldCount) return bad_field(static_cast<Field>(expected), "is missing");
  return {};
}

Result<std::optional<std::string_view>> RecordScanner::Parser::text(Field field) {
  if (is_null(field)) return std::optional<std::string_view>();
  const std::string_view value = values[field];
  if (value.front() != '"') {  // others write numbers here
    if (strict || value.front() == '{' || value.front() == '[') return bad_field(field, "is not a string");
    return std::optional(value);
  }
  const std::string_view inside = value.substr(1, value.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return std::optional(inside);
  decoded[field].clear();
  if (!unescape_json(inside, decoded[field])) return bad_field(field, "has a bad escape");
  return std::optional<std::string_view>(decoded[field]);
}

Result<std::string_view> RecordScanner::Parser::required_text(Field field) {
  CV_ASSIGN(const auto value, text(field));
  if (value && !value->empty()) return *value;
  return loose ? Result<std::string_view>(std::string_view()) : bad_field(field, "is missing");
}

Result<std::optional<Timestamp>> RecordScanner::Parser::time(Field field) {
  CV_ASSIGN(const auto value, text(field));
  if (!value) return std::optional<Timestamp>();
  const auto parsed = parse_time(*value);
  if (!parsed || (strict && !is_our_time(*value))) return bad_field(field, "is not a time");
  return parsed;
}

Result<std::optional<std::int64_t>> RecordScanner::Parser::sequence() {
  if (strict && values[kSequence].starts_with('"')) return bad_field(kSequence, "is not an integer");
  CV_ASSIGN(const auto value, values[kSequence].starts_with('"')
                                  ? text(kSequence)
                                  : Result<std::optional<std::string_view>>(json(kSequence)));
  if (!value) return std::optional<std::int64_t>();
  const auto parsed = parse_integer(*value);
  if (!parsed) return bad_field(kSequence, "is not an integer of 64 bits");
  return parsed;
}

std::optional<std::string_view> RecordScanner::Parser::json(Field field) const {
  if (is_null(field)) return std::nullopt;
  return values[field];
}

// What `strict` asks beyond order and grammar: the types that docs/formats/record.md gives.
Result<void> RecordScanner::Parser::check_form() const {
  for (const Field field : {kProcessed, kPartition, kOffset, kSequence}) {
    if (is_null(field)) return bad_field(field, "is null");
  }
  if (values[kEventId].size() != kIdDigits + 2 || !is_lower_hex(values[kEventId].substr(1, kIdDigits))) {
    return bad_field(kEventId, "is not 32 lower-case hex digits");
  }
  for (const Field field : {kDocumentKey, kFullDocument, kUpdateDescription, kClusterTime}) {
    if (!is_null(field) && values[field].front() != '{')
      return bad_field(field, "is neither an object nor null");
  }
  if (values[kRawEvent].front() != '{') return bad_field(kRawEvent, "is not an object");
  return {};
}

Result<RecordView> RecordScanner::Parser::view() {
  RecordView record;
  CV_ASSIGN(record.event_id, required_text(kEventId));
  CV_ASSIGN(record.processed_timestamp, time(kProcessed));
  CV_ASSIGN(record.partition_id, text(kPartition));
  CV_ASSIGN(record.offset, text(kOffset));
  CV_ASSIGN(record.sequence_number, sequence());
  CV_ASSIGN(const auto enqueued, time(kEnqueued));
  if (!enqueued) return bad_field(kEnqueued, "is missing");
  record.enqueued_time = *enqueued;
  CV_ASSIGN(record.operation_type, required_text(kOperation));
  CV_ASSIGN(record.database_name, text(kDatabase));
  CV_ASSIGN(record.collection_name, text(kCollection));
  record.document_key = json(kDocumentKey);
  record.full_document = json(kFullDocument);
  record.update_description = json(kUpdateDescription);
  record.cluster_time = json(kClusterTime);
  if (is_null(kRawEvent)) return bad_field(kRawEvent, "is missing");
  record.raw_event = values[kRawEvent];
  if (strict) CV_TRY(check_form());
  return record;
}

RecordScanner::RecordScanner() : parser_(std::make_unique<Parser>()) {}
RecordScanner::~RecordScanner() = default;
RecordScanner::RecordScanner(RecordScanner&&) noexcept = default;

Result<RecordView> RecordScanner::scan(std::string_view line, bool strict) {
  parser_->strict = strict;
  parser_->loose = false;
  return scan_with(line);
}

Result<RecordView> RecordScanner::scan_loosely(std::string_view line) {
  parser_->strict = false;
  parser_->loose = true;
  return scan_with(line);
}

Result<RecordView> RecordScanner::scan_with(std::string_view line) {
  CV_TRY(parser_->collect(line));
  CV_ASSIGN(RecordView record, parser_->view());
  record.line = line;
  return record;
}

}  // namespace changevault
