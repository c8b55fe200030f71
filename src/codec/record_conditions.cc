#include "codec/record_conditions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>

#include "codec/decimal_text.h"
#include "codec/json_fields.h"
#include "codec/json_path.h"
#include "codec/json_text.h"
#include "codec/normal_json.h"
#include "codec/record_fields.h"
#include "codec/record_front.h"

namespace changevault {
namespace {

constexpr std::size_t kDocumentKey = *find_record_field("document_key");
constexpr std::size_t kUpdateDescription = *find_record_field("update_description");
constexpr std::size_t kLeastNeedle = 3;

Error wrong(const std::string& message, const std::string& object, const std::string& hint) {
  return Error(ErrorCode::kUsage, message, object, hint);
}

Error wrong_value(const FieldCondition& condition, const std::string& what, const std::string& hint) {
  return wrong(condition.field + " is " + what, condition.value, hint);
}

// The characters of a JSON string; nullopt for another value.
std::optional<std::string> string_value(std::string_view json) {
  std::string text;
  if (json.size() < 2 || json.front() != '"' || !unescape_json(json.substr(1, json.size() - 2), text))
    return std::nullopt;
  return text;
}

std::optional<std::int64_t> integer_value(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string_view> text_field(const RecordView& record, std::size_t field) {
  const std::array<std::optional<std::string_view>, 9> texts{
      record.event_id, std::nullopt,          record.partition_id,  record.offset,         std::nullopt,
      std::nullopt,    record.operation_type, record.database_name, record.collection_name};
  return texts.at(field);
}

std::optional<std::int64_t> number_field(const RecordView& record, std::size_t field) {
  if (kRecordFields[field].kind == RecordFieldKind::kInteger) return record.sequence_number;
  if (kRecordFields[field].name == "enqueued_time") return record.enqueued_time.ms;
  if (!record.processed_timestamp) return std::nullopt;
  return record.processed_timestamp->ms;
}

std::string_view document_field(const RecordView& record, std::size_t field) {
  const std::array<std::string_view, 5> documents{
      record.document_key.value_or(""), record.full_document.value_or(""),
      record.update_description.value_or(""), record.cluster_time.value_or(""), record.raw_event};
  return documents.at(field - kDocumentKey);
}

// Characters that a JSON text writes in one way only, but for \u escapes.
bool is_plain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && c != '/' && c != 0x7f;
}

// The longest run of such characters, where it is long enough to be rare.
std::string needle_of(std::string_view text) {
  std::string_view best;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && is_plain(text[i])) continue;
    if (i - begin > best.size()) best = text.substr(begin, i - begin);
    begin = i + 1;
  }
  return best.size() < kLeastNeedle ? std::string() : std::string(best);
}

std::string_view inside(std::string_view string) {
  return string.substr(1, string.size() - 2);
}

// The digits of an ObjectId in its usual form.
std::optional<std::string_view> object_id(std::string_view value) {
  constexpr std::string_view kBegin = R"({"$oid":")";
  constexpr std::size_t kDigits = 24;
  if (value.size() != kBegin.size() + kDigits + 2 || !value.starts_with(kBegin) || !value.ends_with("\"}"))
    return std::nullopt;
  const std::string_view digits = value.substr(kBegin.size(), kDigits);
  if (!is_hex(digits, kDigits)) return std::nullopt;
  return digits;
}

bool contains(std::string_view text, std::string_view part) {
  return ::memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

bool has_unicode_escape(std::string_view line) {
  for (std::size_t at = line.find('\\'); at != std::string_view::npos; at = line.find('\\', at + 2)) {
    if (at + 1 < line.size() && line[at + 1] == 'u') return true;
  }
  return false;
}

bool is_index(const std::string& part) {
  return part.find_first_not_of("0123456789") == std::string::npos;
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

Result<std::size_t> field_of(const std::string& path) {
  const std::vector<std::string> parts = split_path(path);
  if (std::ranges::find(parts, "") != parts.end())
    return wrong("a field's name is missing", path, "write it like: full_document.price=5");
  const auto field = find_record_field(parts.front());
  if (!field) return wrong("a record has no such field", parts.front(), "");
  if (parts.size() > 1 && kRecordFields[*field].kind != RecordFieldKind::kDocument)
    return wrong(parts.front() + " has no fields of its own", path, "leave out what stands behind the dot");
  return *field;
}

}  // namespace

RecordConditions::RecordConditions() = default;

Result<RecordConditions> RecordConditions::of(const Scope& scope) {
  RecordConditions out;
  if (!scope.key.empty()) CV_TRY(out.add_key(scope.key));
  for (const FieldCondition& condition : scope.where) CV_TRY(out.add(condition));
  std::ranges::stable_sort(out.documents_, {}, &DocumentCondition::field);
  return out;
}

Result<void> RecordConditions::add(const FieldCondition& condition) {
  CV_ASSIGN(const std::size_t field, field_of(condition.field));
  if (kRecordFields[field].kind != RecordFieldKind::kDocument) return add_front(condition, field);
  const auto expected = comparable_json(value_reader_, condition.value);
  if (!expected)
    return wrong("a condition's value is not JSON", condition.value,
                 "a text is written with quotes: \"new\"");
  std::vector<std::string> path = split_path(condition.field);
  path.erase(path.begin());
  add_document(field, std::move(path), *expected, *expected == "null");
  return {};
}

void RecordConditions::add_document(std::size_t field, std::vector<std::string> path, std::string expected,
                                    bool absent_too) {
  DocumentCondition added{field, std::move(path), std::move(expected), absent_too, {}, {}};
  const auto text = string_value(added.expected);
  const auto reduced = text ? reduced_text(*text) : std::nullopt;
  if (reduced) added.reduced = json_string(*reduced);
  if (!absent_too) {
    if (text && !reduced) added.needle = needle_of(*text);
    if (added.needle.empty() && !added.path.empty() && !is_index(added.path.back()))
      added.needle = needle_of(added.path.back());
  }
  documents_.push_back(std::move(added));
}

Result<void> RecordConditions::add_front(const FieldCondition& condition, std::size_t field) {
  FrontCondition added{field, {}, {}};
  const auto value = comparable_json(value_reader_, condition.value);
  if (value != "null") {
    const auto text = value ? string_value(*value) : std::nullopt;
    switch (kRecordFields[field].kind) {
      case RecordFieldKind::kText:
        if (!text) return wrong_value(condition, "a text", "write it with quotes: \"insert\"");
        added.text = text;
        break;
      case RecordFieldKind::kTime: {
        const auto time = text ? parse_rfc3339(*text) : std::nullopt;
        if (!time) return wrong_value(condition, "a time", "write it like: 2025-01-15T14:03:07.042Z");
        added.number = time->ms;
        break;
      }
      default: {
        const auto number = normal_json(value_reader_, condition.value);
        added.number = number ? integer_value(*number) : std::nullopt;
        if (!added.number) return wrong_value(condition, "an integer", "write it in digits: 123456");
      }
    }
  }
  fronts_.push_back(std::move(added));
  return {};
}

Result<void> RecordConditions::add_key(const std::string& key) {
  const Error no_key = wrong("a document key must be JSON", key,
                             R"(write it as in the event: {"_id":"42"}; a text alone is "42")");
  if (!comparable_json(value_reader_, key)) return no_key;
  JsonReader reader(kMaxEventDepth);
  reader.open(key, true);
  std::string_view name;
  std::string_view value;
  std::size_t fields_found = 0;
  bool is_value = reader.peek() != '{';
  if (!is_value) {
    ObjectFields fields(reader);
    while (!is_value && fields.next(name)) {
      is_value = fields_found == 0 && name.starts_with('$');  // {"$oid":…} alone
      if (is_value || !reader.check(value)) break;
      std::string part;
      unescape_json(name, part);
      add_document(kDocumentKey, {std::move(part)}, comparable_json(value_reader_, value).value_or(""),
                   false);
      ++fields_found;
    }
  }
  if (is_value) {
    add_document(kDocumentKey, {"_id"}, comparable_json(value_reader_, key).value_or(""), false);
  } else if (fields_found == 0) {
    return no_key;
  }
  return {};
}

bool RecordConditions::holds_front(const FrontCondition& condition, const RecordView& record) {
  if (kRecordFields[condition.field].kind == RecordFieldKind::kText)
    return text_field(record, condition.field) == condition.text;
  return number_field(record, condition.field) == condition.number;
}

// Most values are told apart by their first characters.
bool RecordConditions::equals(const DocumentCondition& condition, std::string_view value) {
  const std::string& expected = condition.expected;
  switch (value.front()) {
    case '"':
      if (expected.front() != '"') return false;
      if (value.find('\\') == std::string_view::npos) return value == expected;
      break;
    case '[':
      if (expected.front() != '[') return false;
      break;
    case '{':  // may be a wrapper of anything, and is mostly this one
      if (const auto id = object_id(value)) {
        return expected.front() == '"' &&
               (inside(expected) == *id || (!condition.reduced.empty() && inside(condition.reduced) == *id));
      }
      if (!condition.reduced.empty() && comparable_json(value_reader_, value) == condition.reduced)
        return true;
      break;
    case 't':
    case 'f':
    case 'n':
      return value == expected;
    default:
      return exact_number(value, NumberKind::kPlain) == expected;
  }
  return comparable_json(value_reader_, value) == expected;
}

// nullopt: the text breaks off. REQUIRES: the reader has opened `document`, or that is empty.
std::optional<bool> RecordConditions::holds_in(const DocumentCondition& condition,
                                               std::string_view document) {
  if (document.empty()) return condition.absent_too;
  if (condition.path.empty() && !is_complete()) return std::nullopt;
  reader_.rewind({});
  std::string_view value;
  switch (find_at(reader_, condition.path, value, scratch_)) {
    case PathOutcome::kFound:
      return equals(condition, value);
    case PathOutcome::kAbsent:
      return condition.absent_too;
    case PathOutcome::kBroken:
      break;
  }
  return std::nullopt;
}

bool RecordConditions::is_complete() {
  std::string_view value;
  reader_.rewind({});
  return !reader_.failed() && reader_.skip(value) && reader_.finish();
}

std::optional<bool> RecordConditions::hold_in_document(std::size_t field, std::string_view document) {
  if (!document.empty() && !reader_.open(document, /*check_escapes=*/false)) return std::nullopt;
  for (const DocumentCondition& condition : documents_) {
    if (condition.field != field) continue;
    const auto holds = holds_in(condition, document);
    if (!holds || !*holds) return holds;
  }
  return true;
}

bool RecordConditions::hold(const RecordView& record) {
  const auto front_holds = [&](const FrontCondition& condition) { return holds_front(condition, record); };
  if (!std::ranges::all_of(fronts_, front_holds)) return false;
  for (std::size_t field = kDocumentKey; field < kRecordFieldCount; ++field) {
    const auto asks = [&](const DocumentCondition& condition) { return condition.field == field; };
    if (std::ranges::none_of(documents_, asks)) continue;
    // Of a record that was scanned nothing breaks off.
    if (!hold_in_document(field, document_field(record, field)).value_or(false)) return false;
  }
  return true;
}

bool RecordConditions::may_hold(std::string_view line) const {
  for (const DocumentCondition& condition : documents_) {
    if (condition.needle.empty() || contains(line, condition.needle)) continue;
    return has_unicode_escape(line);
  }
  return true;
}

// Document by document. The end of each is guessed, and a guess that is wrong breaks the document off: that
// shows where it is read to an end, and what was found before that end is there in either case.
std::optional<bool> RecordConditions::hold_in_line(const RecordView& front, std::string_view behind) {
  const auto front_holds = [&](const FrontCondition& condition) { return holds_front(condition, front); };
  if (!std::ranges::all_of(fronts_, front_holds)) return false;
  if (documents_.empty()) return true;
  if (!may_hold(behind)) return false;
  const std::size_t last = documents_.back().field;
  if (last > kUpdateDescription) return std::nullopt;
  for (std::size_t field = kDocumentKey; field <= last; ++field) {
    const auto document = guess_document(behind, field);
    if (!document) return std::nullopt;
    const std::string_view text = *document == "null" ? std::string_view() : *document;
    const auto holds = hold_in_document(field, text);
    if (!holds || !*holds) return holds;
    if (field < last && !text.empty() && !is_complete()) return std::nullopt;
  }
  return true;
}

Scope for_choosing_files(const Scope& scope) {
  Scope out = scope;
  for (const FieldCondition& condition : scope.where) {
    const auto text = string_value(condition.value);
    if (!text || text->empty()) continue;
    if (condition.field == "operation_type" && (out.operations.empty() || out.operations.contains(*text)))
      out.operations = {*text};
    if (condition.field == "database_name" && out.database.empty()) out.database = *text;
    if (condition.field == "collection_name" && out.collection.empty()) out.collection = *text;
    const auto time = condition.field == "enqueued_time" ? parse_rfc3339(*text) : std::nullopt;
    if (time && out.time.contains(*time)) out.time = {*time, *time + milliseconds(1)};
  }
  return out;
}

Result<FieldCondition> read_condition(const std::string& text) {
  const std::string hint = "write it like: full_document.price=5";
  const std::size_t equal = text.find('=');
  if (equal == std::string::npos) return wrong("a condition is FIELD=VALUE", text, hint);
  FieldCondition out{text.substr(0, equal), {}};
  CV_ASSIGN(const std::size_t field, field_of(out.field));
  const std::string word = text.substr(equal + 1);
  const std::string_view json = trim_json(word);
  JsonReader reader(kMaxEventDepth);
  const bool is_json = comparable_json(reader, json).has_value();
  if (!is_json && !json.empty() && std::string_view("{[\"").find(json.front()) != std::string_view::npos)
    return wrong("a condition's value is broken JSON", text,
                 "mend it; a text that begins so is written with quotes and backslashes: " + out.field + "=" +
                     json_string(word));
  // What is a text in the record needs no quotes, whatever it looks like.
  const bool scalar = is_json && std::string_view("{[\"").find(json.front()) == std::string_view::npos;
  const bool as_text = kRecordFields[field].kind == RecordFieldKind::kText && scalar && json != "null";
  out.value = is_json && !as_text ? std::string(json) : json_string(word);
  Scope alone;
  alone.where.push_back(out);
  const auto checked = RecordConditions::of(alone);
  if (!checked) return checked.error();
  return out;
}

}  // namespace changevault
