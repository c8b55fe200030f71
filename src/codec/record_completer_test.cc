#include "codec/record_completer.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

const std::string kEvent =
    R"({"_id":{"_data":"82\u0061b"},"operationType":"insert","ns":{"db":"shop","coll":"orders"}})";

class RecordCompleterTest : public ::testing::Test {
 protected:
  // A record with these fields before its event.
  RecordView scanned(const std::string& fields, const std::string& event = kEvent) {
    line_ = "{" + fields + R"("enqueued_time":"2025-01-15T14:00:00Z","raw_event":)" + event + "}";
    line_.reserve(line_.size() + kScanPadding);
    return value(scanner_.scan_loosely(line_));
  }

  std::string line_;
  RecordScanner scanner_;
  RecordCompleter completer_{"default"};
};

TEST_F(RecordCompleterTest, MakesTheIdThatTheArchiverMakes) {
  RecordView record = scanned("");
  EXPECT_FALSE(RecordCompleter::is_complete(record));
  ASSERT_OK(completer_.complete(record));
  EXPECT_EQ(record.event_id, to_string(EventId::of_token("default", "82ab")));
  EXPECT_EQ(record.operation_type, "insert");
  EXPECT_EQ(record.database_name, "shop");
  EXPECT_EQ(record.collection_name, "orders");
  EXPECT_TRUE(RecordCompleter::is_complete(record));
}

TEST_F(RecordCompleterTest, WhatStandsThereStays) {
  RecordView record = scanned(R"("event_id":"their id","operation_type":"x","database_name":"d",)");
  ASSERT_OK(completer_.complete(record));
  EXPECT_EQ(record.event_id, "their id");
  EXPECT_EQ(record.operation_type, "x");
  EXPECT_EQ(record.database_name, "d");
  EXPECT_EQ(record.collection_name, "orders");
}

TEST_F(RecordCompleterTest, WithoutATokenThereIsNoId) {
  RecordView record = scanned("", R"({"operationType":"drop","ns":{"db":"shop"}})");
  const auto refused = completer_.complete(record);
  EXPECT_ERROR(refused, ErrorCode::kCorrupt);
  EXPECT_NE(refused.error().message.find("no resume token"), std::string::npos);
  record = scanned(R"("event_id":"a",)", R"({"operationType":"drop","ns":{"db":"shop"}})");
  ASSERT_OK(completer_.complete(record));
  EXPECT_EQ(record.database_name, "shop");
  EXPECT_EQ(record.collection_name, std::nullopt);
}

TEST_F(RecordCompleterTest, AnEventThatIsNoneCostsOnlyWhatMustBeMade) {
  RecordView record = scanned(R"("event_id":"a","operation_type":"insert",)", R"({"op":"c"})");
  ASSERT_OK(completer_.complete(record));
  EXPECT_EQ(record.database_name, std::nullopt);
  record = scanned(R"("event_id":"a",)", R"({"op":"c"})");
  EXPECT_ERROR(completer_.complete(record), ErrorCode::kCorrupt);
  EXPECT_ERROR(RecordScanner().scan(line_), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace changevault
