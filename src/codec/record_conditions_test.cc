#include "codec/record_conditions.h"

#include <gtest/gtest.h>

#include "codec/record_builder.h"
#include "codec/record_front.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

// A record line as the archiver writes it, with room behind it for a scanner.
std::string line_of(const std::string& key, const std::string& document, const std::string& update = "") {
  RecordBuilder builder({"default", "hub", Epoch(0)});
  std::string payload =
      R"({"_id":{"_data":"82aa"},"operationType":"update","ns":{"db":"shop","coll":"orders"})";
  if (!key.empty()) payload += R"(,"documentKey":)" + key;
  if (!document.empty()) payload += R"(,"fullDocument":)" + document;
  if (!update.empty()) payload += R"(,"updateDescription":)" + update;
  payload += "}";
  const HubEvent event{PartitionId(3), Sequence(41), "7", Timestamp{1'736'949'787'042}, payload};
  const auto parsed = builder.parse(event);
  EXPECT_TRUE(parsed.has_value());
  std::string line;
  if (!parsed) return line;
  builder.append_record(*parsed, event, event.broker_time, event.broker_time, line);
  line.pop_back();
  return line;
}

// What both ways of asking say; they must agree.
bool holds(const Scope& scope, const std::string& line) {
  RecordConditions conditions = value(RecordConditions::of(scope));
  const std::string padded = line + std::string(kScanPadding, '\0');
  const std::string_view text(padded.data(), line.size());
  RecordScanner scanner;
  const bool whole = conditions.hold(value(scanner.scan(text)));
  RecordFrontReader fronts;
  const auto front = fronts.read(text);
  EXPECT_TRUE(front.has_value());
  if (front) {
    const auto quick = conditions.hold_in_line(*front, fronts.behind());
    EXPECT_EQ(quick.value_or(whole), whole) << line;
  }
  return whole;
}

bool holds(const std::string& condition, const std::string& line) {
  Scope scope;
  scope.where.push_back(value(read_condition(condition)));
  return holds(scope, line);
}

bool key_holds(const std::string& key, const std::string& line) {
  Scope scope;
  scope.key = key;
  return holds(scope, line);
}

const std::string kLine = line_of(
    R"({"_id":{"$numberLong":"42"}})",
    R"({"price":{"$numberDouble":"5.0"},"count":{"$numberInt":"5"},"big":{"$numberLong":"9007199254740993"},)"
    R"("exact":{"$numberDecimal":"0.30"},"long":{"$numberDecimal":"1234567890.1234567890123456789"},)"
    R"("name":"a\u0062c","when":{"$date":{"$numberLong":"1736949787042"}},"none":null,"yes":true,)"
    R"("owner":{"$oid":"65a5f0c2e4b0a1b2c3d4e5f6"},"items":[{"sku":"x-1"},{"sku":"x-2"}],)"
    R"("size":{"h":1,"w":{"$numberInt":"2"}},"dots":{"0":"zero"}})");

TEST(RecordConditions, NumbersAreComparedByValueAndExactly) {
  for (const char* five : {"5", "5.0", "5e0", "0.5E1", R"({"$numberInt":"5"})", R"({"$numberLong":"5"})",
                           R"({"$numberDouble":"5.0"})", R"({"$numberDecimal":"5.00"})"}) {
    EXPECT_TRUE(holds(std::string("full_document.price=") + five, kLine)) << five;
    EXPECT_TRUE(holds(std::string("full_document.count=") + five, kLine)) << five;
  }
  EXPECT_FALSE(holds("full_document.price=5.1", kLine));
  EXPECT_FALSE(holds("full_document.price=\"5\"", kLine));
  EXPECT_TRUE(holds("full_document.big=9007199254740993", kLine));
  EXPECT_FALSE(holds("full_document.big=9007199254740992", kLine));
  EXPECT_FALSE(holds("full_document.big=9007199254740993.0", kLine));  // as a double that is ...992
  EXPECT_TRUE(holds("full_document.exact=0.3", kLine));
  EXPECT_TRUE(holds(R"(full_document.long={"$numberDecimal":"1234567890.1234567890123456789"})", kLine));
  EXPECT_FALSE(holds(R"(full_document.long={"$numberDecimal":"1234567890.1234567890123456788"})", kLine));
}

TEST(RecordConditions, OtherValuesToo) {
  EXPECT_TRUE(holds("full_document.name=abc", kLine));
  EXPECT_TRUE(holds("full_document.name=\"abc\"", kLine));
  EXPECT_FALSE(holds("full_document.name=abcd", kLine));
  EXPECT_TRUE(holds(R"(full_document.when={"$date":"2025-01-15T14:03:07.042Z"})", kLine));
  EXPECT_TRUE(holds("full_document.when=2025-01-15T14:03:07.042Z", kLine));
  EXPECT_TRUE(holds("full_document.yes=true", kLine));
  EXPECT_FALSE(holds("full_document.yes=\"true\"", kLine));
  EXPECT_TRUE(holds(R"(full_document.owner={"$oid":"65a5f0c2e4b0a1b2c3d4e5f6"})", kLine));
  EXPECT_TRUE(holds("full_document.owner=65a5f0c2e4b0a1b2c3d4e5f6", kLine));
  EXPECT_TRUE(holds("full_document.items.0.sku=x-1", kLine));
  EXPECT_FALSE(holds("full_document.items.1.sku=x-1", kLine));
  EXPECT_TRUE(holds("full_document.dots.0=zero", kLine));
  EXPECT_TRUE(holds(R"(full_document.size={"h":1.0,"w":2})", kLine));
  EXPECT_FALSE(holds(R"(full_document.size={"w":2,"h":1})", kLine));  // the order is part of the value
  EXPECT_TRUE(holds("document_key._id=42", kLine));
  EXPECT_TRUE(holds("raw_event.fullDocument.price=5", kLine));
}

// The quick way looks for characters of the value first: these values are written in others.
TEST(RecordConditions, ValuesAreFoundWhateverCharactersTheyAreWrittenIn) {
  const std::string line = line_of(
      R"({"_id":1})",
      R"({"when":{"$date":{"$numberLong":"1736949787042"}},"there":{"$date":"2025-01-15T16:03:07.042+02:00"},)"
      R"("owner":{"$oid":"65A5F0C2E4B0A1B2C3D4E5F6"},"odd":{"$oid":"1E+5"},)"
      R"("uuid":{"$uuid":"00112233-4455-6677-8899-AABBCCDDEEFF"},)"
      R"("bytes":{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}})");
  ASSERT_EQ(line.find("\\u"), std::string::npos);  // an escape would have every line looked at
  for (const std::string field : {"when", "there"}) {
    EXPECT_TRUE(holds("full_document." + field + "=2025-01-15T14:03:07.042Z", line)) << field;
    EXPECT_TRUE(holds("full_document." + field + R"(={"$date":"2025-01-15T14:03:07.042Z"})", line)) << field;
    EXPECT_FALSE(holds("full_document." + field + "=2025-01-15T14:03:07.043Z", line)) << field;
  }
  EXPECT_TRUE(holds("full_document.owner=65a5f0c2e4b0a1b2c3d4e5f6", line));
  EXPECT_TRUE(holds("full_document.owner=65A5F0C2E4B0A1B2C3D4E5F6", line));
  for (const std::string text : {"2025-01-15T14:03:07.042Z", "2025-01-15T15:03:07.042+01:00"})
    EXPECT_TRUE(holds("full_document.when=\"" + text + '"', line)) << text;
  const std::string whole = line_of(R"({"_id":{"$date":"2025-01-15T00:00:00Z"}})", "");
  EXPECT_TRUE(holds("document_key._id=2025-01-15T00:00:00Z", whole));
  EXPECT_TRUE(key_holds(R"("2025-01-15T00:00:00Z")", whole));
  EXPECT_TRUE(key_holds(R"({"_id":"2025-01-15T01:00:00+01:00"})", whole));
  EXPECT_FALSE(key_holds(R"("2025-01-15T00:00:01Z")", whole));
  // A text is no date: only the same characters are the same text.
  const std::string text = line_of(R"({"_id":"2025-01-15T00:00:00Z"})", "");
  EXPECT_TRUE(key_holds(R"("2025-01-15T00:00:00Z")", text));
  EXPECT_FALSE(key_holds(R"("2025-01-15T01:00:00+01:00")", text));
  EXPECT_TRUE(holds(R"(full_document.odd={"$oid":"1E+5"})", line));
  for (const std::string field : {"uuid", "bytes"})
    EXPECT_TRUE(holds("full_document." + field + "=00112233-4455-6677-8899-aabbccddeeff", line)) << field;
}

TEST(RecordConditions, NullIsNullAndWhatIsNotThere) {
  EXPECT_TRUE(holds("full_document.none=null", kLine));
  EXPECT_TRUE(holds("full_document.nowhere=null", kLine));
  EXPECT_TRUE(holds("full_document.items.7.sku=null", kLine));
  EXPECT_TRUE(holds("full_document.name.deeper=null", kLine));
  EXPECT_FALSE(holds("full_document.name=null", kLine));
  EXPECT_FALSE(holds("full_document.none=\"null\"", kLine));
  EXPECT_FALSE(holds("full_document=null", kLine));
  EXPECT_TRUE(holds("update_description=null", kLine));
  EXPECT_TRUE(holds("full_document.price=null", line_of(R"({"_id":1})", "")));
  EXPECT_FALSE(holds("full_document.price=5", line_of(R"({"_id":1})", "")));
}

TEST(RecordConditions, FieldsOfTheRecordAreTextsTimesAndIntegers) {
  EXPECT_TRUE(holds("operation_type=update", kLine));
  EXPECT_FALSE(holds("operation_type=insert", kLine));
  EXPECT_TRUE(holds("partition_id=3", kLine));  // a text of digits
  EXPECT_TRUE(holds("offset=7", kLine));
  EXPECT_TRUE(holds("sequence_number=41", kLine));
  EXPECT_TRUE(holds(R"(sequence_number={"$numberLong":"41"})", kLine));
  EXPECT_TRUE(holds("enqueued_time=2025-01-15T14:03:07.042Z", kLine));
  EXPECT_TRUE(holds("enqueued_time=2025-01-15T16:03:07.042+02:00", kLine));
  EXPECT_FALSE(holds("enqueued_time=2025-01-15T14:03:07.043Z", kLine));
  EXPECT_FALSE(holds("collection_name=null", kLine));
}

TEST(RecordConditions, AllOfThemMustHold) {
  Scope scope;
  scope.where = {value(read_condition("full_document.price=5")),
                 value(read_condition("operation_type=update"))};
  EXPECT_TRUE(holds(scope, kLine));
  scope.where.push_back(value(read_condition("full_document.count=6")));
  EXPECT_FALSE(holds(scope, kLine));
}

TEST(RecordConditions, AKeyIsMetByItsValuesInAnyOrderAndForm) {
  const std::string sharded = line_of(R"({"region":"eu","_id":{"$oid":"65a5f0c2e4b0a1b2c3d4e5f6"}})", "");
  for (const char* key :
       {R"({"_id":{"$oid":"65a5f0c2e4b0a1b2c3d4e5f6"},"region":"eu"})", R"({"region":"eu"})",
        R"({ "_id" : "65a5f0c2e4b0a1b2c3d4e5f6" })", R"({"$oid":"65A5F0C2E4B0A1B2C3D4E5F6"})",
        R"("65a5f0c2e4b0a1b2c3d4e5f6")", R"({"\u005fid":"65a5f0c2e4b0a1b2c3d4e5f6"})"})
    EXPECT_TRUE(key_holds(key, sharded)) << key;
  EXPECT_FALSE(key_holds(R"({"_id":"65a5f0c2e4b0a1b2c3d4e5f6","region":"us"})", sharded));
  EXPECT_FALSE(key_holds(R"({"other":1})", sharded));
  for (const char* key :
       {"42", "42.0", R"({"_id":42})", R"({"_id":{"$numberInt":"42"}})", R"({"$numberLong":"42"})"})
    EXPECT_TRUE(key_holds(key, kLine)) << key;
  EXPECT_FALSE(key_holds("\"42\"", kLine));
  EXPECT_FALSE(key_holds(R"({"_id":null})", line_of("", "")));
  const std::string nested = line_of(R"({"_id":{"a":1,"b":2}})", "");
  EXPECT_TRUE(key_holds(R"({"_id":{"a":{"$numberInt":"1"},"b":2}})", nested));
  EXPECT_FALSE(key_holds(R"({"_id":{"b":2,"a":1}})", nested));  // another document
}

// The names of a record's fields inside of documents: where a document ends cannot be guessed then.
TEST(RecordConditions, DocumentsThatLookLikeRecords) {
  const std::string line =
      line_of(R"({"_id":1,"full_document":{"price":7}})",
              R"({"a":1,"update_description":{"price":8},"price":9,"cluster_time":{"z":1},"last":3})",
              R"({"updatedFields":{"a":1,"cluster_time":2,"z":4}})");
  EXPECT_TRUE(holds("full_document.price=9", line));
  EXPECT_FALSE(holds("full_document.price=7", line));
  EXPECT_TRUE(holds("full_document.last=3", line));
  EXPECT_TRUE(holds("full_document.nowhere=null", line));
  EXPECT_TRUE(holds("update_description.updatedFields.z=4", line));
  EXPECT_FALSE(holds("update_description.price=8", line));
  EXPECT_TRUE(key_holds(R"({"full_document":{"price":7.0}})", line));
}

// A text may be written with escapes, so that its characters are not in the line.
TEST(RecordConditions, TextsAreFoundHoweverTheyAreWritten) {
  const std::string plain = line_of(R"({"_id":1})", R"({"city":"Köln/Süd","n\u0061me":"x\"y\\z"})");
  EXPECT_TRUE(holds("full_document.city=Köln/Süd", plain));
  EXPECT_TRUE(holds(R"(full_document.name="x\"y\\z")", plain));
  EXPECT_TRUE(
      holds("full_document.city=Köln/Süd", line_of(R"({"_id":1})", R"({"city":"K\u00f6ln\/S\u00fcd"})")));
  EXPECT_FALSE(holds("full_document.city=Köln", plain));
}

TEST(RecordConditions, TheLedgersFactsChooseTheFiles) {
  Scope scope;
  for (const char* text : {"operation_type=delete", "collection_name=orders",
                           "enqueued_time=2025-01-15T14:03:07.042Z", "full_document.a=1"})
    scope.where.push_back(value(read_condition(text)));
  const Scope files = for_choosing_files(scope);
  EXPECT_EQ(files.operations, std::set<std::string>{"delete"});
  EXPECT_EQ(files.collection, "orders");
  EXPECT_EQ(files.time, (TimeRange{Timestamp{1'736'949'787'042}, Timestamp{1'736'949'787'043}}));
  EXPECT_EQ(files.database, "");
  // What was said before stays said.
  scope.operations = {"insert"};
  scope.collection = "users";
  EXPECT_EQ(for_choosing_files(scope).operations, std::set<std::string>{"insert"});
  EXPECT_EQ(for_choosing_files(scope).collection, "users");
}

TEST(RecordConditions, SlipsAreNamedWithAHint) {
  for (const char* text :
       {"", "price", "=5", "full_document.=5", "full_document..a=5", "operation_type.x=1",
        "full_document.a={\"b\":", "full_document.a=\"b", "enqueued_time=yesterday", "sequence_number=1.5",
        "sequence_number=x", "operation_type={\"a\":1}", "sequence_number=99999999999999999999"}) {
    const auto read = read_condition(text);
    EXPECT_ERROR(read, ErrorCode::kUsage);
    EXPECT_NE(read.error().hint, "") << text;
  }
  EXPECT_ERROR(read_condition("fulldocument.a=1"), ErrorCode::kUsage);
  for (const char* key : {"", "{", "{}", "abc"}) {
    Scope scope;
    scope.key = key;
    if (*key != '\0') EXPECT_ERROR(RecordConditions::of(scope), ErrorCode::kUsage);
  }
}

// What is kept of a condition means the same when it is read again.
TEST(RecordConditions, AConditionIsKeptAsJson) {
  EXPECT_EQ(value(read_condition("partition_id=3")).value, "\"3\"");
  EXPECT_EQ(value(read_condition("full_document.a= 5.0 ")).value, "5.0");
  EXPECT_EQ(value(read_condition("full_document.a=x=y z")).value, "\"x=y z\"");
  EXPECT_EQ(value(read_condition("full_document.a=")).value, "\"\"");
  EXPECT_EQ(value(read_condition("full_document.a=x\"y")).value, R"("x\"y")");
}

}  // namespace
}  // namespace changevault
