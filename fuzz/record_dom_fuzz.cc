// Any JSON line as a record: the scanner's verdict, strict and not, is that of a plain reading of a DOM by
// docs/formats/record.md, and so is every field.
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "codec/event_parser.h"
#include "codec/record_front.h"
#include "codec/record_scanner.h"
#include "fuzz/fuzzing.h"

namespace {

using namespace changevault;
using namespace changevault::fuzzing;
using Dom = nlohmann::ordered_json;

constexpr std::array<const char*, 14> kNames{
    "event_id",      "processed_timestamp", "partition_id",  "offset",          "sequence_number",
    "enqueued_time", "operation_type",      "database_name", "collection_name", "document_key",
    "full_document", "update_description",  "cluster_time",  "raw_event"};

struct Line {
  Dom fields;
  bool twice = false;     // one of the record's own fields
  bool ordered = true;    // nothing but those fields, in their order
  std::size_t depth = 0;  // of the deepest object or array
};

bool is_one_of_ours(const std::string& name) {
  return std::ranges::find(kNames, name) != kNames.end();
}

enum class Judgement { kJson, kNoJson, kUnknown };

// Unknown: numbers that no double holds are beyond this parser.
Judgement parse(std::string_view text, Line& line) {
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xef\xbb\xbf"))
    return Judgement::kNoJson;
  std::set<std::string> seen;
  std::size_t fields = 0;
  const auto see = [&](int depth, Dom::parse_event_t event, Dom& value) {
    using Event = Dom::parse_event_t;
    if (event == Event::object_start || event == Event::array_start)
      line.depth = std::max(line.depth, static_cast<std::size_t>(depth) + 1);
    if (event == Event::key && depth == 1) {
      const auto name = value.get<std::string>();
      line.ordered = line.ordered && fields < kNames.size() && name == kNames[fields];
      ++fields;
      line.twice = line.twice || (!seen.insert(name).second && is_one_of_ours(name));
    }
    return true;
  };
  try {
    line.fields = Dom::parse(text, see);
  } catch (const Dom::out_of_range&) {
    return Judgement::kUnknown;
  } catch (const Dom::parse_error&) {
    return Judgement::kNoJson;
  }
  line.ordered = line.ordered && fields == kNames.size();
  return Judgement::kJson;
}

// "2025-01-15T14:03:07.042Z", by the C library's calendar.
std::optional<std::int64_t> our_time_ms(const std::string& text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd.dddZ";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return std::nullopt;
  }
  const auto number = [&text](std::size_t at, std::size_t digits) {
    return std::stoi(text.substr(at, digits));
  };
  std::tm time{};
  time.tm_year = number(0, 4) - 1900;
  time.tm_mon = number(5, 2) - 1;
  time.tm_mday = number(8, 2);
  time.tm_hour = number(11, 2);
  time.tm_min = number(14, 2);
  time.tm_sec = number(17, 2);
  const std::tm wanted = time;
  const std::int64_t seconds = ::timegm(&time);
  const bool same = time.tm_year == wanted.tm_year && time.tm_mon == wanted.tm_mon &&
                    time.tm_mday == wanted.tm_mday && time.tm_hour == wanted.tm_hour &&
                    time.tm_min == wanted.tm_min && time.tm_sec == wanted.tm_sec;
  if (!same) return std::nullopt;
  return seconds * 1000 + number(20, 3);
}

bool is_event_id(const Dom& value) {
  if (!value.is_string()) return false;
  const auto& id = value.get_ref<const std::string&>();
  return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_int64(const Dom& value) {
  return value.is_number_integer() &&
         (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
}

// What docs/formats/record.md demands.
bool is_our_record(const Line& line) {
  if (!line.fields.is_object() || !line.ordered || line.depth > kMaxEventDepth + 1) return false;
  const Dom& f = line.fields;
  const auto is_time = [&f](const char* name) {
    return f[name].is_string() && our_time_ms(f[name].get<std::string>());
  };
  const auto is_text = [&f](const char* name) { return f[name].is_string(); };
  const auto is_document = [&f](const char* name) { return f[name].is_object() || f[name].is_null(); };
  return is_event_id(f["event_id"]) && is_time("processed_timestamp") && is_text("partition_id") &&
         is_text("offset") && is_int64(f["sequence_number"]) && is_time("enqueued_time") &&
         is_text("operation_type") && f["operation_type"] != "" &&
         (is_text("database_name") || f["database_name"].is_null()) &&
         (is_text("collection_name") || f["collection_name"].is_null()) && is_document("document_key") &&
         is_document("full_document") && is_document("update_description") && is_document("cluster_time") &&
         f["raw_event"].is_object();
}

// --- what others' records must have ---

bool is_plain(const Dom& value) {
  return !value.is_object() && !value.is_array();
}

std::optional<Timestamp> any_time(const Dom& value) {
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  const auto time = parse_rfc3339(text);
  return time ? time : parse_rfc3339(text + "Z");
}

bool is_any_sequence(const Dom& value) {
  if (value.is_null() || is_int64(value)) return true;
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_any_record(const Line& line) {
  if (!line.fields.is_object() || line.twice) return false;
  const auto field = [&line](const char* name) {
    return line.fields.contains(name) ? line.fields[name] : Dom(nullptr);
  };
  for (const char* const name : {"event_id", "operation_type"}) {
    if (field(name).is_null() || field(name) == "") return false;
  }
  for (const char* const name :
       {"event_id", "partition_id", "offset", "operation_type", "database_name", "collection_name"}) {
    if (!is_plain(field(name))) return false;
  }
  return (field("processed_timestamp").is_null() || any_time(field("processed_timestamp"))) &&
         is_any_sequence(field("sequence_number")) && any_time(field("enqueued_time")) &&
         !field("raw_event").is_null();
}

// --- the fields themselves ---

void same_text(const Dom& fields, const char* name, const std::optional<std::string_view>& text) {
  const Dom value = fields.contains(name) ? fields[name] : Dom(nullptr);
  require(text.has_value() == !value.is_null());
  if (text) require(value.is_string() ? value == std::string(*text) : value == Dom::parse(*text));
}

void same_json(const Dom& fields, const char* name, const std::optional<std::string_view>& slice) {
  const Dom value = fields.contains(name) ? fields[name] : Dom(nullptr);
  require(slice.has_value() == !value.is_null());
  if (slice) require(value == Dom::parse(*slice) && trim_json(*slice) == *slice);
}

void same_fields(const Dom& f, const RecordView& record, std::string_view line) {
  same_text(f, "event_id", record.event_id);
  same_text(f, "partition_id", record.partition_id);
  same_text(f, "offset", record.offset);
  same_text(f, "operation_type", record.operation_type);
  same_text(f, "database_name", record.database_name);
  same_text(f, "collection_name", record.collection_name);
  same_json(f, "document_key", record.document_key);
  same_json(f, "full_document", record.full_document);
  same_json(f, "update_description", record.update_description);
  same_json(f, "cluster_time", record.cluster_time);
  same_json(f, "raw_event", record.raw_event);
  require(record.enqueued_time == any_time(f["enqueued_time"]));
  const bool processed = f.contains("processed_timestamp") && !f["processed_timestamp"].is_null();
  require(record.processed_timestamp == (processed ? any_time(f["processed_timestamp"]) : std::nullopt));
  if (record.sequence_number && f["sequence_number"].is_number())
    require(f["sequence_number"] == *record.sequence_number);
  require(record.line == line);
}

void check(const std::string& text, const Line& line, bool strict) {
  RecordScanner scanner;
  const auto record = scanner.scan(text, strict);
  const bool wanted = strict ? is_our_record(line) : is_any_record(line);
  // A name of a field that is written with escapes is a field of others, and not where it belongs.
  const bool escapes = strict && text.find('\\') != std::string::npos;
  require(escapes ? wanted || !record : wanted == record.has_value());
  if (!record) {
    require(record.error().code == ErrorCode::kCorrupt && record.error().message.starts_with("record: "));
    return;
  }
  same_fields(line.fields, *record, text);
  if (!strict) return;
  require(record->enqueued_time.ms == our_time_ms(line.fields["enqueued_time"].get<std::string>()));
  RecordFrontReader fronts;
  const auto front = fronts.read(text);
  if (front)
    require(front->event_id == record->event_id && front->sequence_number == record->sequence_number);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  text.reserve(size + kScanPadding);
  Line line;
  const Judgement judgement = parse(text, line);
  if (judgement == Judgement::kJson) {
    check(text, line, true);
    check(text, line, false);
  } else if (judgement == Judgement::kNoJson) {
    require(!RecordScanner().scan(text, true).has_value());
  }
  return 0;
}
