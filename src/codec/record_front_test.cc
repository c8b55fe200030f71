#include "codec/record_front.h"

#include <string>

#include <gtest/gtest.h>

namespace changevault {
namespace {

constexpr std::string_view kId = "0123456789abcdef0123456789abcdef";

std::string line(std::string_view id, std::string_view processed = "2025-01-15T14:03:07.042Z",
                 std::string_view offset = "41", std::string_view sequence = "41") {
  return R"({"event_id":")" + std::string(id) + R"(","processed_timestamp":")" + std::string(processed) +
         R"(","partition_id":"3","offset":")" + std::string(offset) + R"(","sequence_number":)" +
         std::string(sequence) + R"(,"enqueued_time":"2025-01-15T14:03:06.000Z","operation_type":"insert",)" +
         R"("database_name":"d","collection_name":null,"full_document":{"raw_event":1},"raw_event":{"a":{}}})";
}

TEST(RecordFront, IsReadAsItStands) {
  RecordFrontReader reader;
  const std::string text = line(kId);
  const auto front = reader.read(text);
  ASSERT_TRUE(front.has_value());
  EXPECT_EQ(front->event_id, kId);
  EXPECT_EQ(to_rfc3339(front->processed_timestamp.value()), "2025-01-15T14:03:07.042Z");
  EXPECT_EQ(to_rfc3339(front->enqueued_time), "2025-01-15T14:03:06.000Z");
  EXPECT_EQ(front->partition_id, "3");
  EXPECT_EQ(front->offset, "41");
  EXPECT_EQ(front->sequence_number, 41);
  EXPECT_EQ(front->operation_type, "insert");
  EXPECT_EQ(front->database_name, "d");
  EXPECT_EQ(front->collection_name, std::nullopt);
  EXPECT_EQ(front->line, text);
}

TEST(RecordFront, TimesThatRepeatAndChangeAreThoseOfTheLine) {
  RecordFrontReader reader;
  for (const char* const time :
       {"2025-01-15T14:03:07.042Z", "2025-01-15T14:03:07.042Z", "1970-01-01T00:00:00.000Z"}) {
    const std::string text = line(kId, time);
    const auto front = reader.read(text);
    ASSERT_TRUE(front.has_value());
    EXPECT_EQ(to_rfc3339(front->processed_timestamp.value()), time);
  }
}

TEST(RecordFront, WhatIsNotWrittenSoIsLeftToTheScanner) {
  RecordFrontReader reader;
  const std::string good = line(kId);
  EXPECT_FALSE(reader.read(" " + good));
  EXPECT_FALSE(reader.read(line("0123456789ABCDEF0123456789abcdef")));
  EXPECT_FALSE(reader.read(line("0123456789abcdef0123456789abcde")));
  EXPECT_FALSE(reader.read(line(R"(0123456789abcdef0123456789abcd\")")));
  EXPECT_FALSE(reader.read(line(kId, "2025-01-15 14:03:07.042Z")));
  EXPECT_FALSE(reader.read(line(kId, "2025-01-15T14:03:07Z")));
  EXPECT_FALSE(reader.read(line(kId, "2025-02-30T14:03:07.042Z")));
  EXPECT_FALSE(reader.read(line(kId, "2025-01-15T14:03:07.042Z", R"(4\u0031)")));
  EXPECT_FALSE(reader.read(line(kId, "2025-01-15T14:03:07.042Z", "41", R"("41")")));
  EXPECT_FALSE(reader.read(line(kId, "2025-01-15T14:03:07.042Z", "41", "9223372036854775808")));
  EXPECT_FALSE(reader.read(line(kId, "2025-01-15T14:03:07.042Z", "41", "4.1")));
}

TEST(RecordFront, CutAnywhereItIsNotRead) {
  RecordFrontReader reader;
  const std::string good = line(kId);
  const std::size_t behind = good.find(R"("full_document")");
  for (std::size_t length = 0; length < behind; ++length)
    EXPECT_FALSE(reader.read(good.substr(0, length))) << length;
  EXPECT_TRUE(reader.read(good.substr(0, behind)));
}

TEST(RecordFront, TheRawEventIsTheFirstThatLooksSo) {
  EXPECT_EQ(guess_raw_event(line(kId)), R"({"a":{}})");
  EXPECT_EQ(guess_raw_event(R"({"x":{"y":1,"raw_event":2},"raw_event":{}})"), R"(2},"raw_event":{})");
  EXPECT_EQ(guess_raw_event(R"({"x":1,"raw_event":)"), "");
  EXPECT_EQ(guess_raw_event(R"({"raw_event":{}})"), "");
  EXPECT_EQ(guess_raw_event(""), "");
}

}  // namespace
}  // namespace changevault
