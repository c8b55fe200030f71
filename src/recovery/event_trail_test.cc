#include "recovery/event_trail.h"

#include "recovery/recovery_fixture.h"

namespace changevault {
namespace {

using testing::event_id;
using testing::kFirstHour;
using testing::kProducts;
using testing::TestArchive;
using testing::value;

TEST(EventTrail, NamesLineAndBlockAndEveryRepeat) {
  TestArchive archive;
  std::vector<testing::TestEvent> events;
  for (std::int64_t id = 0; id < 40; ++id) events.push_back({id, "insert"});
  const ListedSegment& first = archive.add(kProducts, kFirstHour, events);
  const ListedSegment& second = archive.add(kProducts, kFirstHour.next(), {{100}, {17, "insert"}});
  const std::vector<EventPlace> places =
      value(find_event({&first, &second}, archive.feed(), event_id(17), nullptr));
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(places[0].segment, &first);
  EXPECT_EQ(places[0].line, 18);
  EXPECT_EQ(places[0].sequence, Sequence(17));
  ASSERT_TRUE(places[0].block);
  const BlockFacts& block = first.facts.blocks.at(static_cast<std::size_t>(*places[0].block));
  EXPECT_LE(block.first, Sequence(17));
  EXPECT_LT(Sequence(17), Sequence(block.first.value + block.records));
  EXPECT_GT(*places[0].block, 0) << "small blocks, so that the answer is not always the first";
  EXPECT_EQ(places[1].segment, &second);
  EXPECT_EQ(places[1].line, 2);
  EXPECT_TRUE(value(find_event({&first}, archive.feed(), event_id(999), nullptr)).empty());
}

}  // namespace
}  // namespace changevault
