#include "codec/record_builder.h"

#include <cstring>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "codec/event_parser.h"

namespace changevault {
namespace {

constexpr Timestamp kEffective{1736949787042};  // 2025-01-15T14:03:07.042Z
constexpr Timestamp kProcessed{1736949790000};

HubEvent event_of(std::string_view payload) {
  return {PartitionId(3), Sequence(42), "42", Timestamp{kEffective.ms}, payload};
}

RecordBuilder make_builder() {
  return RecordBuilder({"shop", "sqlite:hub", Epoch(0)});
}

// The record line, or "refused: …".
std::string record_of(std::string_view payload) {
  RecordBuilder builder = make_builder();
  const HubEvent event = event_of(payload);
  const auto parsed = builder.parse(event);
  if (!parsed) return "refused: " + parsed.error();
  std::string line;
  builder.append_record(*parsed, event, kEffective, kProcessed, line);
  return line;
}

std::string refusal_of(std::string_view payload) {
  const std::string line = record_of(payload);
  return line.starts_with("refused: ") ? line.substr(9) : "accepted: " + line;
}

std::string field_of(std::string_view payload, const char* field) {
  const std::string line = record_of(payload);
  const auto json = nlohmann::ordered_json::parse(line, nullptr, false);
  return json.is_object() ? json[field].dump() : line;
}

TEST(RecordBuilder, GoldenInsert) {
  const std::string event =
      R"({"_id":{"_data":"8265A5"},"operationType":"insert","clusterTime":{"$timestamp":{"t":1736949787,"i":7}},)"
      R"("ns":{"db":"inventory_db","coll":"products"},"documentKey":{"_id":{"$oid":"65a5"}},)"
      R"("fullDocument":{"_id":{"$oid":"65a5"},"qty":{"$numberInt":"5"},"big":{"$numberLong":"9007199254740993"},)"
      R"("price":{"$numberDouble":"1.10"},"odd":{"$numberDouble":"NaN"}}})";
  EXPECT_EQ(
      record_of(event),
      R"({"event_id":")" + to_string(EventId::of_token("shop", "8265A5")) +
          R"(","processed_timestamp":"2025-01-15T14:03:10.000Z","partition_id":"3","offset":"42","sequence_number":42,)"
          R"("enqueued_time":"2025-01-15T14:03:07.042Z","operation_type":"insert","database_name":"inventory_db",)"
          R"("collection_name":"products","document_key":{"_id":{"$oid":"65a5"}},)"
          R"("full_document":{"_id":{"$oid":"65a5"},"qty":5,"big":9007199254740993,"price":1.10,)"
          R"("odd":{"$numberDouble":"NaN"}},"update_description":null,)"
          R"("cluster_time":{"$timestamp":{"t":1736949787,"i":7}},"raw_event":)" +
          event + "}\n");
}

TEST(RecordBuilder, GoldenSmallest) {
  const EventId id = EventId::of_position("sqlite:hub", Epoch(0), PartitionId(3), Sequence(42));
  EXPECT_EQ(record_of(R"({"operationType":"x"})"),
            R"({"event_id":")" + to_string(id) +
                R"(","processed_timestamp":"2025-01-15T14:03:10.000Z","partition_id":"3","offset":"42",)"
                R"("sequence_number":42,"enqueued_time":"2025-01-15T14:03:07.042Z","operation_type":"x",)"
                R"("database_name":null,"collection_name":null,"document_key":null,"full_document":null,)"
                R"("update_description":null,"cluster_time":null,"raw_event":{"operationType":"x"}})"
                "\n");
}

TEST(RecordBuilder, GoldenDeadLetter) {
  std::string line;
  RecordBuilder::append_dead_letter("not JSON: no value at byte 0", event_of("\x01\xff"), kEffective,
                                    kProcessed, line);
  EXPECT_EQ(
      line,
      R"({"reason":"not JSON: no value at byte 0","processed_timestamp":"2025-01-15T14:03:10.000Z",)"
      R"("partition_id":"3","offset":"42","sequence_number":42,"enqueued_time":"2025-01-15T14:03:07.042Z",)"
      R"("payload_base64":"Af8="})"
      "\n");
}

struct RefusalCase {
  std::string payload;
  std::string reason;
};

class Refused : public ::testing::TestWithParam<RefusalCase> {};

TEST_P(Refused, WithItsReason) {
  EXPECT_EQ(refusal_of(GetParam().payload), GetParam().reason) << GetParam().payload;
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, Refused,
    ::testing::Values(
        RefusalCase{"", "an empty message"}, RefusalCase{" \n\t ", "an empty message"},
        RefusalCase{"{", "not JSON: expected a field name at byte 1"},
        RefusalCase{R"({"a":1,})", "not JSON: expected a field name at byte 7"},
        RefusalCase{R"({"a" 1})", "not JSON: expected ':' at byte 5"},
        RefusalCase{R"({"a":01})", "not JSON: not a number at byte 5"},
        RefusalCase{R"({"a":+1})", "not JSON: expected a value at byte 5"},
        RefusalCase{R"({"a":1.})", "not JSON: not a number at byte 5"},
        RefusalCase{R"({"a":.5})", "not JSON: expected a value at byte 5"},
        RefusalCase{R"({"a":1e})", "not JSON: not a number at byte 5"},
        RefusalCase{R"({"a":-})", "not JSON: not a number at byte 5"},
        RefusalCase{R"({"a":1"x"})", "not JSON: not a number at byte 5"},
        RefusalCase{R"({"a":NaN})", "not JSON: expected a value at byte 5"},
        RefusalCase{R"({"a":nul})", "not JSON: expected a value at byte 5"},
        RefusalCase{R"({"a":truex})", "not JSON: expected a value at byte 5"},
        RefusalCase{R"({"a":"b"c})", "not JSON: expected ',' or the end of the object or array at byte 8"},
        RefusalCase{R"({"a":"b""c":1})",
                    "not JSON: expected ',' or the end of the object or array at byte 8"},
        RefusalCase{R"({"a":[1 2]})", "not JSON: expected ',' or ']' at byte 8"},
        RefusalCase{R"({"a":[1,]})", "not JSON: expected a value at byte 8"},
        RefusalCase{R"({"a":[1})", "not JSON: expected ',' or ']' at byte 7"},
        RefusalCase{R"({"a":{"b":1]})", "not JSON: expected ',' or '}' at byte 11"},
        RefusalCase{R"({"a":{1:1}})", "not JSON: expected a field name at byte 6"},
        RefusalCase{R"({"a":{"b"}})", "not JSON: expected ':' at byte 9"},
        RefusalCase{R"({"operationType":"x"}{})", "not JSON: something behind the value at byte 21"},
        RefusalCase{R"({"operationType":"x"} x)", "not JSON: something behind the value at byte 22"},
        RefusalCase{"\xef\xbb\xbf{}", "not JSON: expected a value at byte 0"},
        RefusalCase{R"({"a":"b)", "not JSON: a string does not end"},
        RefusalCase{"{\"a\":\"\x01\"}", "not JSON: a control character in a string"},
        RefusalCase{"{\"a\":\"x\ny\",\"operationType\":\"x\"}", "not JSON: a control character in a string"},
        RefusalCase{"{\"a\":\"\xff\"}", "not JSON: not UTF-8"},
        RefusalCase{"{\"a\":\"\xc0\x80\"}", "not JSON: not UTF-8"},
        RefusalCase{"{\"a\":\"\xed\xa0\x80\"}", "not JSON: not UTF-8"},
        RefusalCase{R"({"a":"\x"})", "not JSON: bad escape at byte 6"},
        RefusalCase{R"({"a":"\u12g4"})", "not JSON: bad escape at byte 6"},
        RefusalCase{R"({"a":"\u12"})", "not JSON: bad escape at byte 6"},
        RefusalCase{R"({"a":"\ud800"})", "not JSON: bad escape at byte 6"},
        RefusalCase{R"({"a":"\udc00\ud800"})", "not JSON: bad escape at byte 6"},
        RefusalCase{R"({"a":"\ud800A"})", "not JSON: bad escape at byte 6"},
        RefusalCase{R"({"a":\n})", "not JSON: expected a value at byte 5"},
        RefusalCase{"{\"operationType\":\"x\",\"a\":[1\n2]}", "not JSON: expected ',' or ']' at byte 28"}));

INSTANTIATE_TEST_SUITE_P(
    Envelope, Refused,
    ::testing::Values(
        RefusalCase{"1", "not an object"}, RefusalCase{"null", "not an object"},
        RefusalCase{"[{}]", "not an object but an array: publish each event as a message of its own"},
        RefusalCase{R"("{}")",
                    "not an object but a string: publish the event itself, not its text in quotes"},
        RefusalCase{"{}", "no operationType"},
        RefusalCase{R"({"operationType":""})", "operationType is empty"},
        RefusalCase{R"({"operationType":null})", "operationType is not a string"},
        RefusalCase{R"({"operationType":["insert"]})", "operationType is not a string"},
        RefusalCase{R"({"operationType":"a","operationType":"b"})",
                    "the field operationType stands there twice"},
        RefusalCase{R"({"operationType":"a","operation\u0054ype":"b"})",
                    "the field operationType stands there twice"},
        RefusalCase{R"({"operationType":"a","_id":1,"_id":2})", "the field _id stands there twice"},
        RefusalCase{R"({"operationType":"a","_id":{"_data":"a","_data":"b"}})",
                    "the field _id._data stands there twice"},
        RefusalCase{R"({"operationType":"a","ns":{"db":"a","db":"b"}})",
                    "the field ns.db stands there twice"},
        RefusalCase{R"({"operationType":"a","ns":"a.b"})", "ns is not an object"},
        RefusalCase{R"({"operationType":"a","ns":{"db":1}})", "ns.db is not a string"},
        RefusalCase{R"({"operationType":"a","ns":{"db":"a","coll":{}}})", "ns.coll is not a string"},
        RefusalCase{R"({"operationType":"a","documentKey":1})", "documentKey is neither an object nor null"},
        RefusalCase{R"({"operationType":"a","fullDocument":[]})",
                    "fullDocument is neither an object nor null"},
        RefusalCase{R"({"operationType":"a","updateDescription":"x"})",
                    "updateDescription is neither an object nor null"},
        RefusalCase{R"({"schema":{},"payload":{"op":"c"}})",
                    "a Debezium envelope, not a change event: publish the change stream's own events"},
        RefusalCase{R"({"before":null,"after":"{}","source":{},"op":"c"})",
                    "a Debezium envelope, not a change event: publish the change stream's own events"},
        RefusalCase{R"({"payload":"{}"})",
                    "a schema/payload envelope, not a change event: publish the change stream's own events"},
        RefusalCase{R"({"specversion":"1.0","data":{"operationType":"x"}})",
                    "no operationType; an envelope with the event in \"data\"? publish the change stream's "
                    "own events"}));

TEST(RecordBuilder, AcceptsEveryNumberOfTheGrammar) {
  for (const std::string number : {"0", "-0", "1e400", "-1E-999", "0.1000000000000000055511151231257827",
                                   "1234567890123456789012345678901234567890", "1e+5", "9007199254740993"}) {
    const std::string event = R"({"operationType":"x","a":[)" + number + "," + number + " ]}";
    EXPECT_TRUE(record_of(event).ends_with(event + "}\n")) << number;
  }
}

TEST(RecordBuilder, LimitsDepth) {
  const auto nested = [](std::size_t levels) {
    return R"({"operationType":"x","a":)" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  EXPECT_TRUE(refusal_of(nested(kMaxEventDepth)).starts_with("accepted"));
  EXPECT_EQ(refusal_of(nested(kMaxEventDepth + 1)), "nested deeper than 256 levels");
  EXPECT_EQ(refusal_of(std::string(100'000, '[')), "nested deeper than 256 levels");
  EXPECT_EQ(refusal_of("{\"a\":" + std::string(100'000, '[')), "nested deeper than 256 levels");
}

TEST(RecordBuilder, KeepsTheEventByteForByte) {
  const std::string event =
      " { \"operationType\" :\t\"ins\\u0065rt\", \"a\": 1.10, \"b\":\"\\/\\ud83d\\ude00 \xc3\xa9\" } \n";
  const std::string line = record_of(event);
  EXPECT_NE(line.find("\"raw_event\":" + event.substr(1, event.size() - 3) + "}\n"), std::string::npos)
      << line;
  EXPECT_NE(line.find(R"("operation_type":"insert")"), std::string::npos);
}

TEST(RecordBuilder, PutsAnEventOfManyLinesOnOne) {
  const std::string line = record_of(
      "{\r\n \"operationType\" : \"x\",\n\t\"a b\" : [ 1 , \" c  d \\n\" ],\n"
      " \"documentKey\" : { \"_id\" : { \"$numberInt\" : \"1\" } }\n}\n");
  EXPECT_NE(line.find(R"("document_key":{"_id":1},)"), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with(R"("raw_event":{"operationType":"x","a b":[1," c  d \n"],)"
                             R"("documentKey":{"_id":{"$numberInt":"1"}}}})"
                             "\n"))
      << line;
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(RecordBuilder, ReadsClusterTime) {
  const auto time = [](const std::string& text) {
    return field_of(R"({"operationType":"x","clusterTime":)" + text + "}", "cluster_time");
  };
  EXPECT_EQ(time(R"({"$timestamp":{"t":1,"i":2}})"), R"({"$timestamp":{"t":1,"i":2}})");
  EXPECT_EQ(time(R"({ "$timestamp" : { "i" : 2 , "t" : 4294967295 } })"),
            R"({"$timestamp":{"t":4294967295,"i":2}})");
  EXPECT_EQ(time(R"({"$timestamp":{"t":{"$numberLong":"17"},"i":{"$numberInt":"0"}}})"),
            R"({"$timestamp":{"t":17,"i":0}})");
  EXPECT_EQ(time(R"({"$timestamp":"7061644215716937730"})"), R"({"$timestamp":{"t":1644167168,"i":2}})");
  EXPECT_EQ(time(R"({"$timestamp":"18446744073709551615"})"),
            R"({"$timestamp":{"t":4294967295,"i":4294967295}})");
  for (const char* const other : {"null",
                                  "1",
                                  R"("2025-01-15T14:03:07Z")",
                                  "{}",
                                  "[]",
                                  R"({"$timestamp":{}})",
                                  R"({"$timestamp":{"t":1}})",
                                  R"({"$timestamp":{"t":1,"i":2,"x":3}})",
                                  R"({"$timestamp":{"t":1,"t":2,"i":3}})",
                                  R"({"$timestamp":{"t":-1,"i":2}})",
                                  R"({"$timestamp":{"t":4294967296,"i":2}})",
                                  R"({"$timestamp":{"t":1.5,"i":2}})",
                                  R"({"$timestamp":{"t":"1","i":2}})",
                                  R"({"$timestamp":{"t":[1],"i":2}})",
                                  R"({"$timestamp":{"t":{"$numberInt":"1","x":1},"i":2}})",
                                  R"({"$timestamp":{"t":{},"i":2}})",
                                  R"({"$timestamp":{"t":1,"i":2},"x":1})",
                                  R"({"$timestamp":"-1"})",
                                  R"({"$timestamp":"x"})",
                                  R"({"$timestamp":"18446744073709551616"})",
                                  R"({"$date":"2025"})",
                                  R"({"$timestamp":null})"}) {
    EXPECT_EQ(time(other), "null") << other;
  }
}

TEST(RecordBuilder, DecodesAndEscapesNames) {
  const std::string event = R"({"operationType":"x","ns":{"db":"a\u0001\"b","coll":"\u00e9\\c"}})";
  const std::string line = record_of(event);
  EXPECT_NE(line.find(R"("database_name":"a\u0001\"b","collection_name":")"
                      "\xc3\xa9"
                      R"(\\c")"),
            std::string::npos)
      << line;
}

TEST(RecordBuilder, TakesAnEmptyOrAbsentNamespaceAsNone) {
  for (const char* const ns : {"null", "{}", R"({"db":""})", R"({"db":"","coll":"c"})",
                               R"({"db":null,"coll":null})", R"({"coll":"c"})", R"({"other":[1]})"}) {
    const std::string event = std::string(R"({"operationType":"x","ns":)") + ns + "}";
    EXPECT_EQ(field_of(event, "database_name"), "null") << ns;
    EXPECT_EQ(field_of(event, "collection_name"), "null") << ns;
  }
  EXPECT_EQ(field_of(R"({"operationType":"dropDatabase","ns":{"db":"a"}})", "database_name"), "\"a\"");
  EXPECT_EQ(field_of(R"({"operationType":"dropDatabase","ns":{"db":"a"}})", "collection_name"), "null");
}

TEST(RecordBuilder, NamesTheEventByItsTokenElseByItsPlace) {
  const auto id = [](const std::string& text) {
    return field_of(R"({"operationType":"x","_id":)" + text + "}", "event_id");
  };
  const std::string by_token = "\"" + to_string(EventId::of_token("shop", "ab")) + "\"";
  const std::string by_place =
      "\"" + to_string(EventId::of_position("sqlite:hub", Epoch(0), PartitionId(3), Sequence(42))) + "\"";
  EXPECT_EQ(id(R"({"_data":"ab"})"), by_token);
  EXPECT_EQ(id(R"({"x":1,"_data":"\u0061b","_typeBits":{"$binary":{}}})"), by_token);
  for (const char* const other :
       {"1", "null", R"("ab")", "{}", R"({"_data":""})", R"({"_data":1})", R"(["_data"])"}) {
    EXPECT_EQ(id(other), by_place) << other;
  }
}

TEST(RecordBuilder, IsDeterministicWhateverCameBefore) {
  RecordBuilder builder = make_builder();
  const std::string good =
      R"({"operationType":"\u0061","ns":{"db":"\u0062","coll":"\u0063"},"_id":{"_data":"\u0064"}})";
  const std::string big = R"({"operationType":"x","a":[)" + std::string(12'000'000, ' ') + "1\n]}";
  std::string first;
  for (const std::string& payload : {good, std::string("{"), big, good, std::string("\xff"), good}) {
    const HubEvent event = event_of(payload);
    const auto parsed = builder.parse(event);
    if (payload != good) continue;
    ASSERT_TRUE(parsed.has_value());
    std::string line;
    builder.append_record(*parsed, event, kEffective, kProcessed, line);
    if (first.empty()) first = line;
    EXPECT_EQ(line, first);
  }
}

// Texts of times are patched where the time before was of the same second.
TEST(RecordBuilder, WritesEachTimeWhateverTimeCameBefore) {
  RecordBuilder builder = make_builder();
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  for (const std::int64_t ms :
       {std::int64_t{0}, std::int64_t{7}, std::int64_t{999}, std::int64_t{1000}, std::int64_t{1999},
        std::int64_t{-1}, std::int64_t{-999}, std::int64_t{-1000}, std::int64_t{5}, kEffective.ms,
        kEffective.ms + 1, kEffective.ms - 42, kYear10000 - 1, kYear10000 - 1000, kYear10000, kYear10000 + 10,
        kYear10000 - 5, std::int64_t{0}}) {
    const HubEvent event = event_of(R"({"operationType":"insert"})");
    const auto parsed = builder.parse(event);
    ASSERT_TRUE(parsed.has_value());
    std::string line;
    builder.append_record(*parsed, event, Timestamp{ms}, Timestamp{ms}, line);
    const auto json = nlohmann::json::parse(line);
    for (const char* const field : {"enqueued_time", "processed_timestamp"})
      EXPECT_EQ(json.at(field), to_rfc3339(Timestamp{ms})) << ms;
  }
}

TEST(RecordBuilder, RefusesMoreThanTheLimit) {
  const std::string payload = R"({"operationType":"x","a":")" + std::string(kMaxPayloadBytes, 'x') + "\"}";
  EXPECT_EQ(refusal_of(payload), "longer than 256 MiB");
}

// A message may end where its page ends: a byte read behind it is a crash.
TEST(RecordBuilder, ReadsNoByteBehindThePayload) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  auto* const pages =
      static_cast<char*>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages + page, page, PROT_NONE), 0);
  for (std::size_t length = 30; length < 400; ++length) {
    for (const std::string_view tail : {"\"}", "\n]}", "12", "\\\"}"}) {
      std::string event = R"({"operationType":"x","a":)";
      event += tail == "\n]}" ? "[" : "\"";
      while (event.size() + tail.size() < length) event.push_back(tail == "\n]}" ? ' ' : 'y');
      event += tail;
      char* const at = pages + page - event.size();
      std::memcpy(at, event.data(), event.size());
      RecordBuilder builder = make_builder();
      (void)builder.parse(event_of({at, event.size()}));
    }
  }
  munmap(pages, 2 * page);
}

}  // namespace
}  // namespace changevault
