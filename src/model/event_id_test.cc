#include "model/event_id.h"

#include <set>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace changevault {
namespace {

// Ids are in archives for ever: the exact bytes that are hashed, computed here by hand.
TEST(EventId, OfATokenIsPinned) {
  const std::string hashed(
      "mcs1\0default\0"
      "826786",
      19);
  EXPECT_EQ(to_string(EventId::of_token("default", "826786")), sha256_hex(hashed).substr(0, 32));
}

TEST(EventId, OfAPositionIsPinned) {
  const std::string hashed(
      "hub1\0"
      "h\0"
      "0\0"
      "3\0"
      "17",
      13);
  EXPECT_EQ(to_string(EventId::of_position("h", Epoch(0), PartitionId(3), Sequence(17))),
            sha256_hex(hashed).substr(0, 32));
}

TEST(EventId, FieldsDoNotRunIntoEachOther) {
  const std::set<EventId> ids{EventId::of_token("ab", "c"),
                              EventId::of_token("a", "bc"),
                              EventId::of_position("h", Epoch(1), PartitionId(1), Sequence(1)),
                              EventId::of_position("h", Epoch(0), PartitionId(11), Sequence(1)),
                              EventId::of_position("h1", Epoch(0), PartitionId(1), Sequence(1)),
                              EventId::of_position("h", Epoch(0), PartitionId(1), Sequence(11))};
  EXPECT_EQ(ids.size(), 6U);
}

TEST(EventId, ReadsBackItsText) {
  const EventId id = EventId::of_token("default", "82");
  EXPECT_EQ(EventId::of_text(to_string(id)), id);
  std::string text = "x";
  append_hex(text, id);
  EXPECT_EQ(text, "x" + to_string(id));
}

TEST(EventId, UpperCaseHexIsTheSameId) {
  EXPECT_EQ(EventId::of_text("00112233445566778899AABBCCDDEEFF"),
            EventId::of_text("00112233445566778899aabbccddeeff"));
  EXPECT_EQ(to_string(EventId::of_text("00112233445566778899AABBCCDDEEFF")),
            "00112233445566778899aabbccddeeff");
}

TEST(EventId, ForeignTextIsTakenByItsMd5) {
  EXPECT_EQ(to_string(EventId::of_text("evt-17")), to_hex([] {
              const Md5 hash = md5("evt-17");
              return std::string(reinterpret_cast<const char*>(hash.data()), hash.size());
            }()));
  // 32 characters, but not all of them hex digits.
  const std::string text = "0011223344556677-8899aabbccddeef";
  EXPECT_EQ(text.size(), 32U);
  EXPECT_NE(EventId::of_text(text), EventId::of_text("00112233445566770"));
  EXPECT_EQ(EventId::of_text(text).high >> 56, md5(text)[0]);
}

}  // namespace
}  // namespace changevault
