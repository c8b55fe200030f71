#include "recovery/plan.h"

#include "codec/json.h"
#include "codec/sealed_json.h"
#include "recovery/recovery_fixture.h"

namespace changevault {
namespace {

using testing::kFirstHour;
using testing::kOrders;
using testing::kProducts;
using testing::TestArchive;
using testing::value;

class PlanTest : public ::testing::Test {
 protected:
  Result<RecoveryPlan> plan(const Scope& scope, std::int64_t ids_in_memory = 1000) {
    PlanRequest request;
    request.id = "20250116t081500z_1a2b3c4d";
    request.scope = scope;
    for (const ListedSegment* segment : archive_.listed()) {
      if (scope.touches(segment->facts)) request.segments.push_back(segment);
    }
    request.now = archive_.clock().now();
    request.actor = {"ada", "host", "changevault 0.1.0"};
    request.ids_in_memory = ids_in_memory;
    SegmentFeed feed(archive_.store(), request.scope);
    return make_plan(request, feed, archive_.warehouse(), nullptr);
  }
  TestArchive archive_;
};

TEST_F(PlanTest, CountsWhatIsThereAndWhatIsNot) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2, "update"}, {3}}));
  archive_.add(kProducts, kFirstHour, {{3}, {4, "delete"}}, hours(2), 100);
  archive_.lose(1);
  for (const std::int64_t ids_in_memory : {1000, 2, 1}) {
    const RecoveryPlan made = value(plan({}, ids_in_memory));
    EXPECT_EQ(made.segments.size(), 2U);
    EXPECT_EQ(made.expected.rows, 5);
    EXPECT_EQ(made.expected.operations, (OperationCounts{{"insert", 3}, {"update", 1}, {"delete", 1}}));
    EXPECT_EQ(made.distinct, 4) << "in memory: " << ids_in_memory;
    EXPECT_EQ(made.already_present, 2);
    EXPECT_EQ(made.new_rows(), 2);
  }
}

TEST_F(PlanTest, TakesOnlyWhatIsInScope) {
  archive_.add(kProducts, kFirstHour, {{1}, {2, "update"}, {3}});
  archive_.add(kOrders, kFirstHour, {{4}});
  Scope scope;
  scope.database = "inventory_db";
  scope.time = {kFirstHour.start() + seconds(1), kFirstHour.start() + seconds(3)};
  scope.operations = {"insert"};
  const RecoveryPlan made = value(plan(scope));
  ASSERT_EQ(made.segments.size(), 1U);
  EXPECT_EQ(made.expected.rows, 1);
  EXPECT_EQ(made.expected.min_time, kFirstHour.start() + seconds(2));
  scope.time.from = kFirstHour.start() + milliseconds(2001);
  EXPECT_TRUE(value(plan(scope)).segments.empty()) << "a segment without a record in scope has no part";
}

TEST_F(PlanTest, DamageAndAbsenceAreRefused) {
  const ListedSegment& segment = archive_.add(kProducts, kFirstHour, {{1}, {2}});
  const std::string bytes = value(archive_.store().get(segment.facts.key));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    archive_.store().corrupt(segment.facts.key, flipped);
    EXPECT_ERROR(plan({}), ErrorCode::kValidation);
  }
  archive_.store().corrupt(segment.facts.key, bytes.substr(0, bytes.size() / 2));
  EXPECT_ERROR(plan({}), ErrorCode::kValidation);
  ASSERT_OK(archive_.store().remove(segment.facts.key));
  EXPECT_ERROR(plan({}), ErrorCode::kValidation);
}

TEST_F(PlanTest, TheFileComesBackAndProvesItself) {
  archive_.add(kProducts, kFirstHour, {{1}, {2, "update"}});
  Scope scope;
  scope.database = "inv*";
  scope.time.to = Timestamp{kFirstHour.end().ms};
  scope.hours_of_day = {0, 5};
  scope.operations = {"insert", "update"};
  scope.key = "";
  const RecoveryPlan made = value(plan(scope));
  const std::string bytes = encode_plan(made);
  EXPECT_EQ(value(decode_plan(bytes, "plan.json")), made);
}

TEST_F(PlanTest, DamageOfTheFileIsFoundWhereverItIs) {
  archive_.add(kProducts, kFirstHour, {{1}, {2, "update"}});
  const std::string bytes = encode_plan(value(plan({})));
  ASSERT_GT(bytes.size(), 500U);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      EXPECT_ERROR(decode_plan(flipped, "plan.json"), ErrorCode::kCorrupt);
    }
    EXPECT_ERROR(decode_plan(bytes.substr(0, at), "plan.json"), ErrorCode::kCorrupt);
    EXPECT_ERROR(decode_plan(bytes.substr(0, at) + bytes.substr(at + 1), "plan.json"), ErrorCode::kCorrupt);
  }
}

TEST_F(PlanTest, TheHashIsOfTheWorkNotOfTheDay) {
  archive_.add(kProducts, kFirstHour, {{1}, {2}});
  const RecoveryPlan made = value(plan({}));
  RecoveryPlan other = made;
  other.id = "another";
  other.created = {};
  other.already_present = 1;
  other.actor.user = "bob";
  EXPECT_EQ(other.hash(), made.hash());
  other.segments[0].sha256[0] = other.segments[0].sha256[0] == '0' ? '1' : '0';
  EXPECT_NE(other.hash(), made.hash());
  other = made;
  other.scope.operations.insert("delete");
  EXPECT_NE(other.hash(), made.hash());
}

TEST_F(PlanTest, AFileWhoseContentsWereEditedAndSealedAgainIsRefused) {
  archive_.add(kProducts, kFirstHour, {{1}, {2}});
  Json json = value(open_sealed_json(encode_plan(value(plan({}))), "plan.json"));
  json.erase("self");
  json["distinct"] = 1;
  EXPECT_ERROR(decode_plan(seal_json(json), "plan.json"), ErrorCode::kCorrupt);
  json["version"] = 3;
  EXPECT_ERROR(decode_plan(seal_json(json), "plan.json"), ErrorCode::kUsage);
  json["version"] = 1;
  json["id"] = "../../x";
  EXPECT_ERROR(decode_plan(seal_json(json), "plan.json"), ErrorCode::kCorrupt);
}

TEST(RecoveryId, NamesATable) {
  testing::CountingRandom random;
  const std::string id = make_recovery_id(*parse_rfc3339("2025-01-16T08:15:00Z"), random);
  EXPECT_EQ(id.substr(0, 17), "20250116t081500z_");
  EXPECT_EQ(id.size(), 25U);
  EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
}

}  // namespace
}  // namespace changevault
