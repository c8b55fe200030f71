#include "model/scope.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

const Hour kHour = hour_of(*parse_rfc3339("2025-01-15T14:00:00Z"));

SegmentFacts products_segment() {
  SegmentFacts segment;
  segment.key = "changestreams/inventory_db/products/2025/01/15/14-batch-p003-1-9-c2.jsonl.gz";
  segment.ns = {"inventory_db", "products"};
  segment.hour = kHour;
  segment.records = 9;
  segment.operations = {{"insert", 5}, {"update", 4}};
  segment.min_time = kHour.start() + minutes(5);
  segment.max_time = kHour.start() + minutes(50);
  return segment;
}

TEST(Scope, EmptyTakesEverything) {
  const Scope all;
  EXPECT_TRUE(all.matches(Namespace{"a", "b"}));
  EXPECT_TRUE(all.matches(Namespace{}));
  EXPECT_TRUE(all.touches(kHour));
  EXPECT_TRUE(all.touches(products_segment()));
  EXPECT_TRUE(all.takes_whole(products_segment()));
  EXPECT_TRUE(all.is_whole_hours());
}

TEST(Scope, NamesAreNamesOrGlobs) {
  Scope scope;
  scope.database = "inv*";
  scope.collection = "products";
  EXPECT_TRUE(scope.matches(Namespace{"inventory_db", "products"}));
  EXPECT_FALSE(scope.matches(Namespace{"inventory_db", "product"}));
  EXPECT_FALSE(scope.matches(Namespace{"sales", "products"}));
  // A name that looks like a glob is still found by itself.
  scope.collection = "odd[1]";
  EXPECT_TRUE(scope.matches(Namespace{"inventory_db", "odd[1]"}));
}

TEST(Scope, GlobsAreThoseOfTheShell) {
  EXPECT_TRUE(glob_matches("14-*.jsonl.gz", "14-batch-p003.jsonl.gz"));
  EXPECT_TRUE(glob_matches("a*c", "a/b/c"));
  EXPECT_TRUE(glob_matches("?[a-c]", "xb"));
  EXPECT_FALSE(glob_matches("?[a-c]", "xd"));
  EXPECT_TRUE(glob_matches("a\\*", "a*"));
  EXPECT_FALSE(glob_matches("a\\*", "ab"));
  EXPECT_FALSE(glob_matches("", "a"));
  for (const char* const name : {"orders", "a*", "[b]?", "back\\slash", ""}) {
    EXPECT_TRUE(glob_matches(glob_of(name), name)) << name;
    EXPECT_FALSE(glob_matches(glob_of(name), std::string(name) + "x")) << name;
  }
  EXPECT_FALSE(glob_matches(glob_of("a*"), "ab"));
}

TEST(Scope, TimesCountToTheMillisecond) {
  Scope scope;
  scope.time = {kHour.start() + milliseconds(41), kHour.start() + milliseconds(43)};
  EXPECT_FALSE(scope.matches_time(kHour.start() + milliseconds(40)));
  EXPECT_TRUE(scope.matches_time(kHour.start() + milliseconds(41)));
  EXPECT_TRUE(scope.matches_time(kHour.start() + milliseconds(42)));
  EXPECT_FALSE(scope.matches_time(kHour.start() + milliseconds(43)));
}

TEST(Scope, HoursOfTheDayAreInclusive) {
  Scope scope;
  scope.hours_of_day = {10, 14};
  EXPECT_TRUE(scope.touches(kHour));
  EXPECT_FALSE(scope.touches(kHour.next()));
  EXPECT_TRUE(scope.matches_time(kHour.end() - milliseconds(1)));
  EXPECT_FALSE(scope.matches_time(kHour.end()));
  EXPECT_FALSE(scope.matches_time(Hour{kHour.index - 5}.start()));
}

TEST(Scope, ASegmentIsTouchedByItsTimesAndOperations) {
  Scope scope;
  scope.time = {kHour.start(), kHour.start() + minutes(5)};
  EXPECT_FALSE(scope.touches(products_segment()));
  scope.time.to = kHour.start() + minutes(5) + milliseconds(1);
  EXPECT_TRUE(scope.touches(products_segment()));
  EXPECT_FALSE(scope.takes_whole(products_segment()));
  scope.operations = {"delete"};
  EXPECT_FALSE(scope.touches(products_segment()));
  scope.operations = {"delete", "insert"};
  EXPECT_TRUE(scope.touches(products_segment()));
}

TEST(Scope, TakesWholeOnlyWhatLiesInsideInEveryWay) {
  Scope scope;
  scope.time = {kHour.start(), kHour.end()};
  scope.operations = {"insert", "update", "delete"};
  EXPECT_TRUE(scope.takes_whole(products_segment()));
  scope.operations = {"insert"};
  EXPECT_FALSE(scope.takes_whole(products_segment()));
  scope.operations.clear();
  scope.key = R"({"_id":1})";
  EXPECT_FALSE(scope.takes_whole(products_segment()));
  EXPECT_FALSE(scope.is_whole_hours());
  scope.key.clear();
  EXPECT_TRUE(scope.takes_whole(products_segment()));
  scope.where = {{"full_document.price", "5"}};
  EXPECT_FALSE(scope.takes_whole(products_segment()));
  EXPECT_FALSE(scope.is_whole_hours());
  EXPECT_TRUE(scope.touches(products_segment()));
}

TEST(Scope, PatternsMeetTheFileNameOrThePath) {
  Scope scope;
  scope.pattern = "14-*";
  EXPECT_TRUE(scope.touches(products_segment()));
  scope.pattern = "15-*";
  EXPECT_FALSE(scope.touches(products_segment()));
  scope.pattern = "inventory_db/*/14-*";
  EXPECT_TRUE(scope.touches(products_segment()));
  scope.pattern = "changestreams/*";
  EXPECT_FALSE(scope.touches(products_segment()));
}

// The path under the root is the same, however deep the root lies.
TEST(Scope, ARootOfSeveralFoldersIsNoPartOfThePath) {
  const std::string path = "inventory_db/products/2025/01/15/14-batch.jsonl.gz";
  const std::string dead = "_deadletter/2025/01/15/14-batch.jsonl.gz";
  for (const std::string root : {"", "changestreams/", "prod/eu/changestreams/"}) {
    EXPECT_EQ(path_under_root(root + path), path);
    EXPECT_EQ(path_under_root(root + dead), dead);
  }
  EXPECT_EQ(path_under_root("14-batch.jsonl.gz"), "14-batch.jsonl.gz");
  EXPECT_EQ(path_under_root("products/14-*"), "products/14-*");
  EXPECT_EQ(path_under_root(""), "");
  Scope scope;
  scope.pattern = "inventory_db/*/14-*";
  SegmentFacts segment = products_segment();
  segment.key = "prod/eu/" + segment.key;
  EXPECT_TRUE(scope.touches(segment));
}

TEST(Scope, CountsPerHourAnswerOnlyWholeHours) {
  Scope scope;
  scope.time = {kHour.start(), kHour.end()};
  EXPECT_TRUE(scope.is_whole_hours());
  scope.time.from = kHour.start() + milliseconds(1);
  EXPECT_FALSE(scope.is_whole_hours());
  scope.time.from = kHour.start();
  scope.operations = {"insert"};
  EXPECT_FALSE(scope.is_whole_hours());
}

TEST(Scope, PrintsForPeople) {
  Scope scope;
  EXPECT_EQ(to_string(scope), "*.*");
  scope.database = "inventory_db";
  scope.collection = "products";
  scope.time = {kHour.start(), kHour.end()};
  scope.hours_of_day = {10, 15};
  scope.operations = {"insert", "delete"};
  EXPECT_EQ(to_string(scope),
            "inventory_db.products from 2025-01-15T14:00:00.000Z to 2025-01-15T15:00:00.000Z hours 10-15 op "
            "delete,insert");
  scope = {};
  scope.where = {{"operation_type", "\"insert\""}, {"full_document.price", "5"}};
  EXPECT_EQ(to_string(scope), "*.* where operation_type=\"insert\" where full_document.price=5");
}

TEST(Counts, AddUp) {
  OperationCounts counts{{"insert", 2}};
  counts += {{"insert", 3}, {"drop", 1}};
  EXPECT_EQ(counts, (OperationCounts{{"insert", 5}, {"drop", 1}}));
  EXPECT_EQ(total(counts), 6);
}

TEST(Digest, IsASumThatWrapsAndIgnoresOrder) {
  Digest one{1, UINT64_MAX};
  one += {1, 3};
  EXPECT_EQ(one, (Digest{2, 2}));
  EXPECT_NE((Digest{1, 2}), (Digest{2, 2}));
}

TEST(Namespace, PrintsWhatThereIs) {
  EXPECT_EQ(to_string(Namespace{"inventory_db", "products"}), "inventory_db.products");
  EXPECT_EQ(to_string(Namespace{"inventory_db", ""}), "inventory_db");
  EXPECT_EQ(to_string(Namespace{}), "(cluster)");
}

}  // namespace
}  // namespace changevault
