#include "recovery/hub_coverage.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace changevault {
namespace {

HubPartitionFacts facts(std::int64_t first, std::int64_t next, std::optional<std::int64_t> archived) {
  HubPartitionFacts out;
  out.first = Sequence(first);
  out.next = Sequence(next);
  if (archived) out.archived = Sequence(*archived);
  return out;
}

TEST(HubCoverageTest, WhatTheHubHasBehindTheArchiveWaits) {
  EXPECT_EQ(judge(facts(0, 10, 10)).state, HubState::kOk);
  const HubPartition p = judge(facts(0, 10, 7));
  EXPECT_EQ(p.state, HubState::kPending);
  EXPECT_EQ(p.pending, 3);
  EXPECT_EQ(p.lost, 0);
  EXPECT_EQ(p.oldest_pending, Sequence(7));
  EXPECT_FALSE(p.at_risk) << "this hub never deleted anything";
  EXPECT_EQ(judge(facts(7, 7, 7)).state, HubState::kOk) << "empty, and all of it archived";
}

TEST(HubCoverageTest, WhatTheHubDeletedFirstIsLost) {
  const HubPartition p = judge(facts(5, 10, 2));
  EXPECT_EQ(p.state, HubState::kLost);
  EXPECT_EQ(p.lost, 3);
  EXPECT_EQ(p.pending, 5);
  EXPECT_EQ(p.oldest_pending, Sequence(5));
  EXPECT_TRUE(p.at_risk);
  const HubPartition nothing_left = judge(facts(5, 5, 2));
  EXPECT_EQ(nothing_left.lost, 3);
  EXPECT_EQ(nothing_left.pending, 0);
  EXPECT_FALSE(nothing_left.at_risk);
}

TEST(HubCoverageTest, FewArchivedEventsBeforeManyThatWaitAreARisk) {
  EXPECT_FALSE(judge(facts(2, 10, 6)).at_risk);
  EXPECT_TRUE(judge(facts(3, 10, 6)).at_risk);
}

TEST(HubCoverageTest, AnUnclaimedPartitionBeginsWithWhatTheHubHas) {
  HubPartitionFacts unclaimed = facts(5, 10, std::nullopt);
  EXPECT_EQ(judge(unclaimed).state, HubState::kUnclaimed);
  EXPECT_EQ(judge(unclaimed).pending, 5);
  EXPECT_EQ(judge(unclaimed).lost, 0);
  unclaimed.begin = Sequence(0);  // it joined a hub that is archived already
  EXPECT_EQ(judge(unclaimed).state, HubState::kLost);
  EXPECT_EQ(judge(unclaimed).lost, 5);
}

TEST(HubCoverageTest, PositionsOfAnotherHubSayNothing) {
  HubPartitionFacts of_another = facts(0, 10, 700);
  of_another.replaced = "it ends before";
  EXPECT_EQ(judge(of_another).state, HubState::kReplaced);
  EXPECT_EQ(judge(of_another).pending, 0);
  HubPartitionFacts damaged = facts(0, 10, std::nullopt);
  damaged.unreadable = Error(ErrorCode::kCorrupt, "damaged", "slot");
  EXPECT_EQ(judge(damaged).state, HubState::kUnknown);
  EXPECT_EQ(judge(damaged).pending, 0);
}

TEST(HubCoverageTest, WhatIsAGapAndWhatIsNot) {
  HubCoverage hub;
  hub.partitions = {judge(facts(0, 10, 7)), judge(facts(0, 5, 5))};
  EXPECT_EQ(hub.pending(), 3);
  EXPECT_FALSE(hub.is_gap()) << "what waits is not lost";
  EXPECT_FALSE(hub.oldest_pending_age());
  hub.partitions[0].oldest_pending_age = seconds(5);
  EXPECT_EQ(hub.oldest_pending_age(), seconds(5));
  hub.partitions.push_back(judge(facts(4, 4, 1)));
  EXPECT_TRUE(hub.is_gap());
  EXPECT_EQ(hub.lost(), 3);
  hub = {};
  hub.replaced = Error(ErrorCode::kValidation, "another hub");
  EXPECT_TRUE(hub.is_gap());
}

TEST(HubCoverageTest, JsonSaysNullForWhatIsNotKnown) {
  HubCoverage hub;
  hub.url = "memory:";
  HubPartitionFacts of_another = facts(0, 10, std::nullopt);
  of_another.replaced = "another";
  hub.partitions = {judge(facts(2, 10, 7)), judge(of_another)};
  hub.partitions[0].oldest_pending_time = *parse_rfc3339("2025-01-15T14:00:00Z");
  hub.partitions[0].oldest_pending_age = Duration{90'500};
  const Json json = to_json(hub);
  const Json& known = json.at("partitions").at(0);
  EXPECT_EQ(known.at("pending"), 3);
  EXPECT_EQ(known.at("oldest_pending_time"), "2025-01-15T14:00:00.000Z");
  EXPECT_EQ(known.at("oldest_pending_seconds"), 90);
  EXPECT_FALSE(known.contains("problem"));
  const Json& unknown = json.at("partitions").at(1);
  EXPECT_TRUE(unknown.at("archived").is_null());
  EXPECT_TRUE(unknown.at("pending").is_null());
  EXPECT_EQ(unknown.at("problem"), "another");
  EXPECT_EQ(json.at("pending"), 3);
  EXPECT_TRUE(json.at("replaced").is_null());
}

}  // namespace
}  // namespace changevault
