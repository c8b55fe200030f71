#include "codec/record_scanner.h"

#include <gtest/gtest.h>

#include "codec/record_builder.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

constexpr char kId[] = "0123456789abcdef0123456789abcdef";

std::string our_line() {
  return R"({"event_id":"0123456789abcdef0123456789abcdef","processed_timestamp":"2025-01-15T14:03:10.000Z",)"
         R"("partition_id":"3","offset":"42","sequence_number":42,"enqueued_time":"2025-01-15T14:03:07.042Z",)"
         R"("operation_type":"insert","database_name":"a\"b","collection_name":null,"document_key":{"_id":1},)"
         R"("full_document":{"a":[1,{"b":"}]"}]},"update_description":null,)"
         R"("cluster_time":{"$timestamp":{"t":1,"i":2}},"raw_event":{"operationType":"insert"}})";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("nothing to replace");
  return text.replace(at, from.size(), to);
}

std::string padded(std::string line) {
  line.reserve(line.size() + kScanPadding);
  return line;
}

std::string problem(const std::string& line, bool strict = false) {
  RecordScanner scanner;
  const std::string text = padded(line);
  const auto record = scanner.scan(text, strict);
  if (record) return "";
  EXPECT_EQ(record.error().code, ErrorCode::kCorrupt);
  return record.error().message;
}

TEST(RecordScanner, ReadsOurOwnRecord) {
  for (const bool strict : {false, true}) {
    RecordScanner scanner;
    const std::string line = padded(our_line());
    const RecordView record = value(scanner.scan(line, strict));
    EXPECT_EQ(record.event_id, kId);
    EXPECT_EQ(record.processed_timestamp, parse_rfc3339("2025-01-15T14:03:10Z"));
    EXPECT_EQ(record.partition_id, "3");
    EXPECT_EQ(record.offset, "42");
    EXPECT_EQ(record.sequence_number, 42);
    EXPECT_EQ(record.enqueued_time, *parse_rfc3339("2025-01-15T14:03:07.042Z"));
    EXPECT_EQ(record.operation_type, "insert");
    EXPECT_EQ(record.database_name, "a\"b");
    EXPECT_EQ(record.collection_name, std::nullopt);
    EXPECT_EQ(record.document_key, R"({"_id":1})");
    EXPECT_EQ(record.full_document, R"({"a":[1,{"b":"}]"}]})");
    EXPECT_EQ(record.update_description, std::nullopt);
    EXPECT_EQ(record.cluster_time, R"({"$timestamp":{"t":1,"i":2}})");
    EXPECT_EQ(record.raw_event, R"({"operationType":"insert"})");
  }
}

TEST(RecordScanner, ReadsWhatOthersWrote) {
  RecordScanner scanner;
  const std::string line = padded(
      R"({ "raw_event" : {"a":NaN} , "operation_type" : "insert", "_ingested_at":"x", "offset":17, "partition_id":3,)"
      R"( "sequence_number":"9223372036854775807", "enqueued_time" : "2025-01-15 14:03:07.5", "event_id":"id\u0031" })"
      "\r");
  const RecordView record = value(scanner.scan(line));
  EXPECT_EQ(record.event_id, "id1");
  EXPECT_EQ(record.partition_id, "3");
  EXPECT_EQ(record.offset, "17");
  EXPECT_EQ(record.sequence_number, INT64_MAX);
  EXPECT_EQ(record.enqueued_time, *parse_rfc3339("2025-01-15T14:03:07.500Z"));
  EXPECT_EQ(record.raw_event, R"({"a":NaN})");
  EXPECT_EQ(record.processed_timestamp, std::nullopt);
  EXPECT_EQ(record.database_name, std::nullopt);
  EXPECT_EQ(record.full_document, std::nullopt);
}

TEST(RecordScanner, ReadsTheTimesOfOthers) {
  for (const std::string time : {"2025-01-15T16:03:07.042999+02:00", "2025-01-15T14:03:07.042",
                                 "2025-01-15 14:03:07.042Z", "2025-01-15T14:03:07.042+00:00"}) {
    RecordScanner scanner;
    const std::string line = padded(replaced(our_line(), "2025-01-15T14:03:07.042Z", time));
    EXPECT_EQ(value(scanner.scan(line)).enqueued_time, *parse_rfc3339("2025-01-15T14:03:07.042Z")) << time;
    EXPECT_EQ(problem(line, true),
              time.size() == 24 && time[10] == 'T' ? "" : "record: enqueued_time is not a time")
        << time;
  }
}

TEST(RecordScanner, NamesWhatIsMissing) {
  for (const std::string field : {"event_id", "enqueued_time", "operation_type", "raw_event"}) {
    const std::string without = replaced(our_line(), "\"" + field + "\"", "\"x\"");
    EXPECT_EQ(problem(without), "record: " + field + " is missing");
  }
  EXPECT_EQ(problem(replaced(our_line(), R"("operation_type":"insert")", R"("operation_type":null)")),
            "record: operation_type is missing");
  EXPECT_EQ(problem(replaced(our_line(), R"({"operationType":"insert"})", "null")),
            "record: raw_event is missing");
}

TEST(RecordScanner, RefusesWhatIsNoRecord) {
  EXPECT_EQ(problem(""), "record: not JSON: no value at byte 0");
  EXPECT_EQ(problem("[]"), "record: not an object");
  EXPECT_EQ(problem("{}"), "record: event_id is missing");
  EXPECT_EQ(problem(our_line() + "x"),
            "record: not JSON: something behind the value at byte " + std::to_string(our_line().size()));
  EXPECT_EQ(problem(our_line().substr(0, our_line().size() - 1)).substr(0, 17), "record: not JSON:");
  EXPECT_EQ(problem(replaced(our_line(), R"("offset":"42")", R"("event_id":"x")")),
            "record: event_id stands there twice");
  EXPECT_EQ(
      problem(replaced(our_line(), "\"sequence_number\":42", "\"sequence_number\":9223372036854775808")),
      "record: sequence_number is not an integer of 64 bits");
  EXPECT_EQ(problem(replaced(our_line(), "\"sequence_number\":42", "\"sequence_number\":4.2")),
            "record: sequence_number is not an integer of 64 bits");
  EXPECT_EQ(problem(replaced(our_line(), "2025-01-15T14:03:07", "2025-02-30T14:03:07")),
            "record: enqueued_time is not a time");
  EXPECT_EQ(problem(replaced(our_line(), "\"insert\"", "{}")), "record: operation_type is not a string");
  EXPECT_EQ(problem(replaced(our_line(), R"(a\"b)", R"(a\qb)")), "record: database_name has a bad escape");
}

TEST(RecordScanner, StrictDemandsOurForm) {
  const auto strict = [](std::string_view from, std::string_view to) {
    return problem(replaced(our_line(), from, to), true);
  };
  EXPECT_EQ(strict(R"("partition_id":"3","offset":"42")", R"("offset":"42","partition_id":"3")"),
            "record: field offset is not where it belongs");
  EXPECT_EQ(strict(R"(,"raw_event":{"operationType":"insert"})", ""), "record: raw_event is missing");
  EXPECT_EQ(strict(R"("raw_event":{"operationType":"insert"})", R"("raw_event":{},"more":1)"),
            "record: field more is not where it belongs");
  EXPECT_EQ(strict("\"sequence_number\":42", "\"sequence_number\":\"42\""),
            "record: sequence_number is not an integer");
  EXPECT_EQ(strict("\"sequence_number\":42", "\"sequence_number\":null"), "record: sequence_number is null");
  EXPECT_EQ(strict("\"offset\":\"42\"", "\"offset\":42"), "record: offset is not a string");
  EXPECT_EQ(strict("\"offset\":\"42\"", "\"offset\":null"), "record: offset is null");
  EXPECT_EQ(strict("0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789abcdef"),
            "record: event_id is not 32 lower-case hex digits");
  EXPECT_EQ(strict("{\"_id\":1}", "[1]"), "record: document_key is neither an object nor null");
  EXPECT_EQ(strict(R"({"operationType":"insert"})", "1"), "record: raw_event is not an object");
  EXPECT_EQ(strict("2025-01-15T14:03:10.000Z", "2025-01-15T14:03:10Z"),
            "record: processed_timestamp is not a time");
  for (const char* const bad :
       {"{\"a\":NaN}", "{\"a\":01}", "{\"a\" 1}", "{\"a\":[1 2]}", "{\"a\":\"\\q\"}", "{\"a\":[}]}"}) {
    EXPECT_EQ(strict("{\"operationType\":\"insert\"}", bad).substr(0, 17), "record: not JSON:") << bad;
  }
}

TEST(RecordScanner, AcceptsTheDeepestEventStrictly) {
  RecordBuilder builder({"s", "h", Epoch(0)});
  const std::string event =
      R"({"operationType":"x","a":)" + std::string(255, '[') + std::string(255, ']') + "}";
  const HubEvent hub_event{PartitionId(0), Sequence(0), "0", Timestamp{0}, event};
  const auto parsed = builder.parse(hub_event);
  ASSERT_TRUE(parsed.has_value()) << parsed.error();
  std::string line;
  builder.append_record(*parsed, hub_event, {}, {}, line);
  line.pop_back();
  RecordScanner scanner;
  EXPECT_EQ(value(scanner.scan(line, true)).raw_event, event);
}

}  // namespace
}  // namespace changevault
