// The faults of docs/reliability.md, on the real embedded parts; each test carries its number.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "archive/hour_catalog.h"
#include "archive/oversize_producer.h"
#include "recovery/coverage.h"
#include "tests/fault/real_vault.h"

namespace changevault {
namespace {

using testing::at;
using testing::RealVault;
using testing::value;

// A hub that takes messages of so many bytes: no padded event, but pointers.
class SmallProducer final : public Producer {
 public:
  static constexpr std::size_t kLargest = 256;
  explicit SmallProducer(std::unique_ptr<Producer> inner) : inner_(std::move(inner)) {}
  Result<void> append(std::vector<Message> messages) override {
    for (const Message& message : messages) {
      if (message.payload.size() > kLargest) return Error(ErrorCode::kUsage, "too large");
    }
    return inner_->append(std::move(messages));
  }
  std::size_t largest_payload() const override { return kLargest; }

 private:
  std::unique_ptr<Producer> inner_;
};

class FaultList : public ::testing::Test {
 protected:
  void SetUp() override { vault_.publish(12, at(9, 0)); }

  static bool is_segment(const std::string& key) { return key.ends_with(".jsonl.gz"); }
  bool is_commit(const std::string& key) const {
    return key.starts_with(vault_.layout.partition_chain(PartitionId(0))) &&
           key.ends_with("000000000001.json");
  }
  // An archiver that dies where `dies` says so of a put.
  void archive_and_die(const std::function<bool(const std::string& key)>& dies) {
    FaultyStore store(vault_.store(), [&](StoreOperation operation, const std::string& key) {
      if (operation == StoreOperation::kPut && dies(key)) throw RealVault::Died();
      return Fault::kNone;
    });
    ASSERT_TRUE(RealVault::died(
        [&] { ignore_error(vault_.archive(ArchiveMode::kOnceAndClose, {.store = &store}), "it dies"); }));
  }
  void expect_whole() {
    ASSERT_OK(vault_.archive());
    vault_.expect_archived();
    ASSERT_OK(vault_.load());
    vault_.expect_loaded();
  }

  // --- events larger than the hub takes ---

  OversizeProducer oversize_producer(Hub& hub, ObjectStore& store) {
    vault_.padding = std::max<std::size_t>(vault_.padding, 1000);
    return {std::make_unique<SmallProducer>(value(hub.producer())),
            {&vault_.layout, [&store]() -> Result<ObjectStore*> { return &store; }}};
  }
  void publish_large(int count, Timestamp from) {
    OversizeProducer to = oversize_producer(vault_.hub(), vault_.store());
    ASSERT_OK(vault_.publish_to(to, count, from));
    ASSERT_EQ(to.oversize(), count);
  }
  std::vector<std::string> bodies() {
    std::vector<std::string> found;
    EXPECT_OK(for_each_object(vault_.store(), vault_.layout.oversize_prefix(),
                              [&](const ObjectInfo& info) -> Result<void> {
                                found.push_back(info.key);
                                return {};
                              }));
    return found;
  }

  RealVault vault_;
};

TEST_F(FaultList, T01_KilledBehindTheUploadTheNextArchivesAgain) {
  archive_and_die([&](const std::string& key) { return is_commit(key); });
  EXPECT_FALSE(vault_.leftovers().empty());
  expect_whole();
  std::vector<std::string> keys;
  for (const Leftover& leftover : vault_.leftovers()) keys.push_back(leftover.key);
  for (const Leftover& removed : value(remove_leftovers(vault_.store(), vault_.layout, keys)))
    EXPECT_EQ(removed.fate, LeftoverFate::kRemovable);
  EXPECT_TRUE(vault_.leftovers().empty());
  vault_.expect_archived();
}

TEST_F(FaultList, T02_KilledBetweenTwoUploadsOfOneFlushNoneCounts) {
  int uploads = 0;
  archive_and_die([&](const std::string& key) { return is_segment(key) && ++uploads == 2; });
  EXPECT_EQ(vault_.leftovers().size(), 1U);
  EXPECT_TRUE(vault_.catalog().segments().empty());
  expect_whole();
}

// It holds half of the events; when it wakes, before its upload, another owner has archived them all.
TEST_F(FaultList, T03_AnOldOwnerThatWakesWithLessChangesNothing) {
  std::map<std::string, std::string> of_the_other;
  FaultyStore store(vault_.store(), [&](StoreOperation operation, const std::string& key) {
    if (operation != StoreOperation::kPut || !is_segment(key) || !of_the_other.empty()) return Fault::kNone;
    vault_.publish(12, at(9, 30));
    EXPECT_OK(vault_.archive(ArchiveMode::kOnceAndClose));
    const Catalog listed = vault_.catalog();
    for (const ListedSegment& segment : listed.segments())
      of_the_other[segment.facts.key] = value(vault_.store().get(segment.facts.key));
    return Fault::kNone;
  });
  ignore_error(vault_.archive(ArchiveMode::kOnce, {.store = &store}),
               "it is fenced, or goes on behind the other");
  ASSERT_FALSE(of_the_other.empty());
  for (const auto& [key, bytes] : of_the_other) EXPECT_EQ(value(vault_.store().get(key)), bytes);
  EXPECT_EQ(vault_.catalog().segments().size(), of_the_other.size()) << "it listed nothing";
  EXPECT_FALSE(vault_.leftovers().empty());
  expect_whole();
}

TEST_F(FaultList, T04_AStoreThatFailsForAMomentCostsNothing) {
  int failed = 0;
  FaultyStore store(vault_.store(), [&](StoreOperation operation, const std::string& key) {
    if (operation != StoreOperation::kPut || !is_segment(key) || failed == 4) return Fault::kNone;
    return failed++ % 2 == 0 ? Fault::kFailBefore : Fault::kFailAfter;
  });
  ASSERT_OK(vault_.archive(ArchiveMode::kOnceAndClose, {.store = &store}));
  EXPECT_EQ(failed, 4);
  EXPECT_TRUE(vault_.leftovers().empty());
  expect_whole();
}

TEST_F(FaultList, T06_KilledBehindTheSlotTheNextAddsNothing) {
  FaultyHub hub(vault_.hub(), [](HubOperation operation, const std::string&) {
    if (operation == HubOperation::kCommit) throw RealVault::Died();
    return Fault::kNone;
  });
  // Each run lists one partition more than the one before, and dies before the hub hears of it.
  int deaths = 0;
  while (RealVault::died([&] { ASSERT_OK(vault_.archive(ArchiveMode::kOnceAndClose, {.hub = &hub})); })) {
    ASSERT_LE(++deaths, RealVault::kPartitions);
  }
  EXPECT_GE(deaths, 1);
  EXPECT_EQ(value(vault_.archive()).events, 0);
  expect_whole();
}

TEST_F(FaultList, T07_APositionThatTheHubDoesNotTakeCostsNothing) {
  int commits = 0;
  FaultyHub hub(vault_.hub(), [&](HubOperation operation, const std::string&) {
    if (operation != HubOperation::kCommit) return Fault::kNone;
    return commits++ % 2 == 0 ? Fault::kFailBefore : Fault::kFailAfter;
  });
  vault_.options.memory = 1;  // so that a batch follows the other before its position is taken
  ignore_error(vault_.archive(ArchiveMode::kOnceAndClose, {.hub = &hub}), "the position is a hint");
  EXPECT_GE(commits, 1);
  vault_.publish(6, at(11, 0));
  expect_whole();
}

TEST_F(FaultList, T09_ALoadWhoseAnswerIsLostIsNotLoadedTwice) {
  ASSERT_OK(vault_.archive());
  int loads = 0;
  FaultyWarehouse warehouse(vault_.warehouse(), [&](WarehouseOperation operation, const std::string&) {
    return operation == WarehouseOperation::kLoad && loads++ == 0 ? Fault::kFailAfter : Fault::kNone;
  });
  EXPECT_ERROR(vault_.load({.warehouse = &warehouse}), ErrorCode::kUnreachable);
  ASSERT_OK(vault_.load({.warehouse = &warehouse}));
  expect_whole();
}

TEST_F(FaultList, T15_KilledBetweenBodyAndPointerItIsPublishedAgain) {
  FaultyHub hub(vault_.hub(), [](HubOperation operation, const std::string&) {
    if (operation == HubOperation::kAppend) throw RealVault::Died();
    return Fault::kNone;
  });
  OversizeProducer dying = oversize_producer(hub, vault_.store());
  ASSERT_TRUE(RealVault::died([&] { ignore_error(vault_.publish_to(dying, 6, at(10, 0)), "it dies"); }));
  EXPECT_EQ(bodies().size(), 6U);
  expect_whole();  // bodies without pointers are harmless
  EXPECT_TRUE(vault_.leftovers().empty());
  publish_large(6, at(10, 0));
  EXPECT_EQ(bodies().size(), 6U);
  expect_whole();
}

TEST_F(FaultList, T15_KilledWhileBodiesAreWrittenItIsPublishedAgain) {
  for (int death = 1; death <= 6; ++death) {
    int puts = 0;
    FaultyStore store(vault_.store(), [&](StoreOperation operation, const std::string&) {
      if (operation == StoreOperation::kPut && ++puts == death) throw RealVault::Died();
      return Fault::kNone;
    });
    OversizeProducer dying = oversize_producer(vault_.hub(), store);
    ASSERT_TRUE(RealVault::died([&] { ignore_error(vault_.publish_to(dying, 6, at(10, 0)), "it dies"); }));
  }
  publish_large(6, at(10, 0));
  expect_whole();
}

// A run looks at the tail of each partition again, archives one event more, and dies at the next body.
TEST_F(FaultList, T15_AnArchiverThatDiesReadsTheBodiesAgain) {
  vault_.options.memory = 1;
  vault_.padding = 300'000;  // a commit for each event
  publish_large(6, at(10, 0));
  int deaths = 0;
  for (int left = 1; left > 0;) {
    int gets = 0;
    FaultyStore store(vault_.store(), [&](StoreOperation operation, const std::string& key) {
      if (operation == StoreOperation::kGet && vault_.layout.parse_oversize(key) &&
          ++gets == RealVault::kPartitions + 2)
        throw RealVault::Died();
      return Fault::kNone;
    });
    left = RealVault::died([&] { ASSERT_OK(vault_.archive(ArchiveMode::kOnce, {.store = &store})); }) ? 1 : 0;
    ASSERT_LE(deaths += left, 20);
  }
  EXPECT_GE(deaths, 2);
  expect_whole();
}

TEST_F(FaultList, T15_AStoreThatFailsForAMomentCostsNothing) {
  publish_large(6, at(10, 0));
  int failed = 0;
  FaultyStore store(vault_.store(), [&](StoreOperation operation, const std::string& key) {
    if (operation != StoreOperation::kGet || !vault_.layout.parse_oversize(key)) return Fault::kNone;
    return failed++ % 3 == 0 ? Fault::kFailBefore : failed % 3 == 0 ? Fault::kWrongAnswer : Fault::kNone;
  });
  ASSERT_OK(vault_.archive(ArchiveMode::kOnce, {.store = &store}));
  EXPECT_GE(failed, 6);
  expect_whole();
}

// Neither dropped nor tried for ever: named, with the pointer's bytes, and all others go on.
TEST_F(FaultList, T15_ABodyThatIsLostIsADeadLetter) {
  publish_large(6, at(10, 0));
  const std::vector<std::string> all = bodies();
  ASSERT_EQ(all.size(), 6U);
  ASSERT_OK(vault_.store().remove(all[0]));
  const std::filesystem::path flipped = vault_.store_folder() / all[1];
  std::filesystem::permissions(flipped, std::filesystem::perms::owner_write,
                               std::filesystem::perm_options::add);
  std::fstream(flipped, std::ios::in | std::ios::out | std::ios::binary).seekp(40).put('?');
  const ArchiveTotals totals = value(vault_.archive());
  EXPECT_EQ(totals.events, 18);
  EXPECT_EQ(totals.dead_letters, 2);
  EXPECT_EQ(value(vault_.archive()).events, 0);
  const VerifyReport report = vault_.verify();
  EXPECT_EQ(report.verdict, Verdict::kPass);
  EXPECT_EQ(report.records_checked, 16);
  EXPECT_EQ(report.dead_letters_checked, 2);
  EXPECT_EQ(report.oversize_bodies, 5);
  EXPECT_TRUE(vault_.leftovers().empty());
}

TEST_F(FaultList, T16_WhatFillsABatchIsInIt) {
  vault_.options.memory = 1;  // every event does
  EXPECT_GT(value(vault_.archive()).commits, RealVault::kPartitions);
  expect_whole();
}

TEST_F(FaultList, T17_WithoutItsGroupTheLedgerDecides) {
  ASSERT_OK(vault_.archive());
  ASSERT_OK(vault_.hub().delete_group(vault_.options.group));
  EXPECT_EQ(value(vault_.archive()).events, 0);
  vault_.publish(6, at(11, 0));
  EXPECT_EQ(value(vault_.archive()).events, 6);
  expect_whole();
}

TEST_F(FaultList, T21_WhatALifeCycleRuleTookIsMissingNotQuiet) {
  ASSERT_OK(vault_.archive());
  const Catalog catalog = vault_.catalog();
  ASSERT_FALSE(catalog.segments().empty());
  for (const ListedSegment& segment : catalog.segments()) ASSERT_OK(vault_.store().remove(segment.facts.key));
  const VerifyReport report = vault_.verify();
  EXPECT_EQ(report.verdict, Verdict::kFail);
  for (const ListedSegment& segment : catalog.segments()) {
    EXPECT_TRUE(std::ranges::any_of(report.problems, [&](const VerifyProblem& problem) {
      return problem.kind == "missing" && problem.key == segment.facts.key;
    })) << segment.facts.key;
  }
  HourCatalog hours = value(HourCatalog::read(vault_.store(), vault_.layout));
  const Scope everything;
  SegmentFeed feed(vault_.store(), everything);
  Scope day;
  day.time = {at(0, 0), at(23, 59)};
  const Coverage gaps = value(find_gaps(day, archive_side(hours), vault_.warehouse(), feed, {}));
  std::int64_t missing = 0;
  for (const GapCell& cell : gaps.cells) missing += cell.numbers.missing;
  EXPECT_EQ(missing, vault_.published());
}

TEST_F(FaultList, T27_AnOwnerThatWasOvertakenListsNothing) {
  bool overtaken = false;
  FaultyStore slow(vault_.store(), [&](StoreOperation operation, const std::string& key) {
    if (operation == StoreOperation::kPut && is_segment(key) && !std::exchange(overtaken, true))
      EXPECT_OK(vault_.archive());
    return Fault::kNone;
  });
  ignore_error(vault_.archive(ArchiveMode::kOnce, {.store = &slow}), "it may be fenced");
  EXPECT_TRUE(overtaken);
  EXPECT_FALSE(vault_.leftovers().empty());
  expect_whole();
}

}  // namespace
}  // namespace changevault
