#include "archive/seals_beginning.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "archive/repair.h"
#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::TempDir;
using testing::value;

const RepairActor kActor{"ada", "host", "changevault test"};

class SealsBeginningTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override {
    init();
    for (int i = 0; i < 30; ++i)
      hub.append(PartitionId(i % 2), event("shop", i % 3 == 0 ? "orders" : "users", i), at(8 + i / 10, i),
                 false);
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
    sealed_ = cells();
    ASSERT_FALSE(sealed_.empty());
    ASSERT_EQ(verify().verdict, Verdict::kPass);
  }
  std::vector<SealedCell> cells() {
    std::vector<SealedCell> out;
    const Catalog now = catalog();
    for (const SealEntry& seal : now.seals()) out.insert(out.end(), seal.cells.begin(), seal.cells.end());
    return out;
  }
  void lose_the_seals() {
    for (const std::string& key : keys(layout.seal_chain())) ASSERT_OK(store.remove(key));
    ASSERT_EQ(verify().verdict, Verdict::kFail);
  }
  Repairer repairer(ObjectStore& in) {
    RebuildSources sources;
    sources.hub = &hub;
    return {{in, layout, clock, random}, std::move(sources), {options.group, options.source_id}};
  }
  RepairPlan plan() { return value(repairer(store).plan({}, VerifyMode::kFull, nullptr, {})); }
  RepairOutcome repair() { return value(repairer(store).run(plan(), keep_.path(), kActor, {})); }
  // What makes it refuse; nothing is written.
  std::string refusal() {
    const auto before = keys();
    const RepairPlan made = plan();
    EXPECT_TRUE(made.items.empty());
    EXPECT_EQ(made.refusals.size(), 1U);
    EXPECT_EQ(keys(), before);
    return made.refusals.empty() ? "" : made.refusals[0].advice;
  }
  void expect_sealed_as_before() {
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
    EXPECT_EQ(cells(), sealed_);
    EXPECT_EQ(verify().verdict, Verdict::kPass);
  }

  TempDir keep_;
  std::vector<SealedCell> sealed_;
};

TEST_F(SealsBeginningTest, TheNextArchiverWritesTheSameSealsAgain) {
  lose_the_seals();
  EXPECT_ERROR(archive(), ErrorCode::kCorrupt);
  const RepairPlan made = plan();
  ASSERT_EQ(made.items.size(), 1U);
  EXPECT_EQ(made.items[0].action, RepairAction::kBeginSeals);
  EXPECT_NE(made.items[0].sources.find("2 partitions"), std::string::npos);
  const RepairOutcome outcome = repair();
  EXPECT_TRUE(outcome.not_done.empty());
  Chain seals(store, layout.seal_chain());
  const WalkedEntry first = value(read_entry(seals, Slot(0)));
  const auto& entry = std::get<HubEntry>(first.entry.body);
  EXPECT_EQ(entry.group, options.group);
  EXPECT_EQ(entry.identity, value(hub.describe()).identity);
  EXPECT_EQ(entry.partitions, 2);
  expect_sealed_as_before();
  // And on it goes.
  hub.append(PartitionId(0), event("shop", "orders", 100), at(12, 0), false);
  EXPECT_EQ(value(archive(ArchiveMode::kOnceAndClose)).events, 1);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
  EXPECT_TRUE(plan().items.empty());
}

TEST_F(SealsBeginningTest, AnotherHubIsNotBelieved) {
  lose_the_seals();
  hub.replace("another");
  EXPECT_NE(refusal().find("is not what was archived"), std::string::npos);
}

TEST_F(SealsBeginningTest, AnotherSourceIsNotBelieved) {
  lose_the_seals();
  options.source_id = "other";
  EXPECT_NE(refusal().find("source.id"), std::string::npos);
}

TEST_F(SealsBeginningTest, AHubThatForgotTheLastEventsProvesNothing) {
  lose_the_seals();
  for (int p = 0; p < 2; ++p) hub.trim(PartitionId(p), Sequence(15));
  EXPECT_NE(refusal().find("from a backup"), std::string::npos);
}

TEST_F(SealsBeginningTest, OneHubOfSeveralIsNotGuessed) {
  hub.replace("another");
  hub.append(PartitionId(0), event("shop", "orders", 200), at(12, 0), false);
  hub.append(PartitionId(1), event("shop", "orders", 201), at(12, 0), false);
  options.new_epoch = true;
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  lose_the_seals();
  EXPECT_NE(refusal().find("more than one hub"), std::string::npos);
}

TEST_F(SealsBeginningTest, NotWhileSomebodyArchives) {
  const GroupOwner owner = value(hub.describe_group(options.group)).owner;
  lose_the_seals();
  {
    const auto member = value(hub.join(options.group, owner));
    EXPECT_NE(refusal().find("stop all archivers"), std::string::npos);
  }
  repair();
  expect_sealed_as_before();
}

TEST_F(SealsBeginningTest, NotForAGroupOfAnotherArchive) {
  lose_the_seals();
  ASSERT_OK(hub.delete_group(options.group));
  value(hub.join(options.group, {"digest", "file:/elsewhere"}));
  EXPECT_NE(refusal().find("another archive"), std::string::npos);
}

// The plan was made, and then somebody archived, or put the folder back.
TEST_F(SealsBeginningTest, WhatChangedSinceThePlanIsLookedAtAgain) {
  const std::string first = layout.seal_chain() + KeyLayout::slot_name(Slot(0));
  const std::string bytes = value(store.get(first));
  lose_the_seals();
  const RepairPlan made = plan();
  ASSERT_OK(store.put_if_absent(first, bytes));
  const RepairOutcome outcome = value(repairer(store).run(made, keep_.path(), kActor, {}));
  EXPECT_TRUE(outcome.done.empty());
  EXPECT_EQ(outcome.not_done.size(), 1U);
  EXPECT_EQ(value(store.get(first)), bytes);
  expect_sealed_as_before();
}

// It dies at each call to the store in turn; the next repair ends it.
TEST_F(SealsBeginningTest, ADeathAnywhereIsMendedByTheNext) {
  struct Killed {};
  std::map<std::string, std::string> before;
  for (const std::string& key : keys()) before[key] = value(store.get(key));
  const GroupOwner owner = value(hub.describe_group(options.group)).owner;
  int after_the_group = 0;
  bool died = true;
  for (int at_call = 0; died; ++at_call) {
    // Each round makes the same calls.
    for (const std::string& key : keys()) ASSERT_OK(store.remove(key));
    for (const auto& [key, bytes] : before) ASSERT_OK(store.put_if_absent(key, bytes));
    ASSERT_OK(hub.delete_group(options.group));
    value(hub.join(options.group, owner));
    lose_the_seals();
    const RepairPlan made = plan();
    ASSERT_EQ(made.items.size(), 1U);
    int calls = 0;
    died = false;
    FaultyStore dying(store, [&](StoreOperation, const std::string&) {
      if (calls++ == at_call) throw Killed{};
      return Fault::kNone;
    });
    try {
      value(repairer(dying).run(made, keep_.path(), kActor, {}));
    } catch (const Killed&) {
      died = true;
    }
    const bool gone = keys(layout.seal_chain()).empty();
    const auto group = hub.describe_group(options.group);
    after_the_group += gone && !group ? 1 : 0;
    if (gone) repair();
    expect_sealed_as_before();
  }
  EXPECT_GE(after_the_group, 1) << "no death fell between the group and the slot";
}

}  // namespace
}  // namespace changevault
