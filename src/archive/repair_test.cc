#include "archive/repair.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "archive/repair_journal.h"
#include "archive/verify_memory.h"
#include "base/hash.h"
#include "codec/json.h"
#include "codec/oversize_pointer.h"
#include "codec/record_scanner.h"
#include "codec/sealed_json.h"
#include "codec/segment_reader.h"
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

class RepairTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  // Blocks of a few records, so that an object has several; polls of the hub at several times.
  void SetUp() override {
    options.segment.block_text_bytes = 4'000;
    options.flush_interval = hours(5);
    init();
    publish(0, 60);
    ASSERT_OK(archive());
    clock.advance(milliseconds(1234));
    publish(60, 120);
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
    ASSERT_EQ(verify().verdict, Verdict::kPass);
  }
  void publish(int from, int to) {
    for (int i = from; i < to; ++i) {
      if (i % 20 == 7) hub.append(PartitionId(i % 2), "broken " + std::to_string(i), at(9, 0), false);
      hub.append(PartitionId(i % 2), event("shop", i % 3 == 0 ? "orders" : "users", i),
                 at(8 + i / 100, i % 60), false);
    }
  }

  RebuildSources from_hub() {
    RebuildSources sources;
    sources.hub = &hub;
    return sources;
  }
  Repairer repairer(ObjectStore& in, RebuildSources sources) {
    return Repairer({in, layout, clock, random}, std::move(sources));
  }
  RepairPlan plan(RebuildSources sources) {
    return value(repairer(store, std::move(sources)).plan({}, VerifyMode::kFull, nullptr, {}));
  }
  RepairOutcome repair(const RebuildSources& sources) {
    return value(repairer(store, sources).run(plan(sources), keep.path(), kActor, {}));
  }
  std::vector<std::string> objects() {
    std::vector<std::string> found;
    for (const std::string& key : keys()) {
      if (key.ends_with(".jsonl.gz")) found.push_back(key);
    }
    return found;
  }
  void damage(const std::string& key, std::size_t place) {
    std::string bytes = value(store.get(key));
    bytes[place % bytes.size()] ^= 16;
    store.corrupt(key, bytes);
  }

  TempDir keep;
};

TEST_F(RepairTest, ASoundArchiveHasNothingToRepair) {
  const RepairPlan made = plan(from_hub());
  EXPECT_TRUE(made.items.empty());
  EXPECT_TRUE(made.refusals.empty());
  EXPECT_EQ(made.verified.verdict, Verdict::kPass);
}

// Lost altogether: the events are in the hub, the times of writing in the other objects of the commit, or
// found.
TEST_F(RepairTest, EveryLostObjectComesBackFromTheHubByteForByte) {
  for (const std::string& key : objects()) {
    const std::string bytes = value(store.get(key));
    ASSERT_OK(store.remove(key));
    const RepairPlan made = plan(from_hub());
    ASSERT_EQ(made.items.size(), 1U) << key << " " << (made.refusals.empty() ? "" : made.refusals[0].advice);
    EXPECT_EQ(made.items[0].key, key);
    EXPECT_FALSE(made.items[0].in_the_way);
    EXPECT_FALSE(store.head(key).has_value()) << "a plan changes nothing";
    const RepairOutcome outcome = repair(from_hub());
    EXPECT_EQ(outcome.done, std::vector<std::string>{key});
    EXPECT_EQ(value(store.get(key)), bytes) << key;
  }
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

// Pointers among the hub's events are followed; one that led nowhere is the same dead letter again.
TEST_F(RepairTest, OversizeEventsComeBackByTheirBodies) {
  const std::string body = event("shop", "orders", 500);
  const std::string sha = sha256_hex(body);
  const auto bytes = static_cast<std::int64_t>(body.size());
  ASSERT_OK(store.put_if_absent(layout.oversize(sha), body));
  hub.append(PartitionId(0), encode_oversize({KeyLayout::oversize_name(sha), bytes, sha}), at(12, 0), false);
  const std::string gone = sha256_hex("gone");
  hub.append(PartitionId(0), encode_oversize({KeyLayout::oversize_name(gone), 4, gone}), at(12, 1), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  const Catalog listed = catalog();
  std::vector<std::string> of_noon;
  for (const auto* list : {&listed.segments(), &listed.dead_letters()}) {
    for (const ListedSegment& s : *list) {
      if (s.facts.hour == hour_of(at(12, 0))) of_noon.push_back(s.facts.key);
    }
  }
  ASSERT_EQ(of_noon.size(), 2U);
  for (const std::string& key : of_noon) {
    const std::string lost = value(store.get(key));
    ASSERT_OK(store.remove(key));
    EXPECT_EQ(repair(from_hub()).done, std::vector<std::string>{key});
    EXPECT_EQ(value(store.get(key)), lost);
  }
  ASSERT_OK(store.remove(layout.oversize(sha)));
  ASSERT_OK(store.remove(of_noon[0]));
  EXPECT_EQ(plan(from_hub()).refusals.size(), 1U) << "nothing is made up";
}

TEST_F(RepairTest, ADamagedObjectIsReplacedAndKept) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 generator(seed);
  for (const std::string& key : objects()) {
    const std::string bytes = value(store.get(key));
    std::string damaged = bytes;
    damaged[generator() % bytes.size()] ^= 1;
    store.corrupt(key, damaged);
    EXPECT_EQ(repair(from_hub()).done, std::vector<std::string>{key});
    EXPECT_EQ(value(store.get(key)), bytes) << key;
    std::ifstream kept(keep.path() / "damaged" / key, std::ios::binary);
    const std::string kept_text{std::istreambuf_iterator<char>(kept), std::istreambuf_iterator<char>()};
    EXPECT_EQ(kept_text, damaged);
  }
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

// Damage outside of the blocks needs no hub at all.
TEST_F(RepairTest, ADamagedHeadOrTailIsRepairedFromTheRest) {
  const std::string key = objects().front();
  const std::string bytes = value(store.get(key));
  for (const std::size_t place : {std::size_t{1}, bytes.size() - 3}) {
    damage(key, place);
    EXPECT_EQ(repair({}).done, std::vector<std::string>{key});
    EXPECT_EQ(value(store.get(key)), bytes);
  }
}

TEST_F(RepairTest, WithoutASourceItIsRefusedAndNothingChanges) {
  const std::string key = objects().front();
  damage(key, 40);
  const std::string damaged = value(store.get(key));
  hub.trim(PartitionId(0), Sequence(60));
  hub.trim(PartitionId(1), Sequence(60));
  for (const bool with_hub : {false, true}) {
    const RebuildSources sources = with_hub ? from_hub() : RebuildSources{};
    const RepairPlan made = plan(sources);
    EXPECT_TRUE(made.items.empty());
    ASSERT_EQ(made.refusals.size(), 1U);
    EXPECT_EQ(made.refusals[0].key, key);
    EXPECT_NE(made.refusals[0].advice.find("--copy"), std::string::npos);
    EXPECT_EQ(value(store.get(key)), damaged);
  }
}

TEST_F(RepairTest, EventsOfAnotherHubAreNotTaken) {
  ASSERT_OK(store.remove(objects().front()));
  hub.replace("another");
  const RepairPlan made = plan(from_hub());
  EXPECT_TRUE(made.items.empty());
  EXPECT_NE(made.refusals.at(0).advice.find("another hub"), std::string::npos);
}

TEST_F(RepairTest, HintsThatAreWrongAreNotBelieved) {
  const std::string key = objects().back();
  const std::string bytes = value(store.get(key));
  ASSERT_OK(store.remove(key));
  RebuildSources sources = from_hub();
  sources.stamps = [](PartitionId, Sequence first, Sequence last) -> Result<StampHints> {
    StampHints hints;
    for (Sequence s = first; s <= last; s = s.next()) hints[s] = at(1, 1);
    return hints;
  };
  EXPECT_EQ(repair(sources).done, std::vector<std::string>{key});
  EXPECT_EQ(value(store.get(key)), bytes);
}

TEST_F(RepairTest, ALedgerSlotComesBackFromACopyOnly) {
  for (const std::string& key : keys(layout.ledger_prefix())) {
    if (key.find("/repairs/") != std::string::npos) continue;
    const std::string bytes = value(store.get(key));
    ASSERT_OK(store.remove(key));
    if (verify().verdict == Verdict::kFail) {
      const RepairPlan refused = plan(from_hub());
      EXPECT_TRUE(refused.items.empty());
      EXPECT_TRUE(std::any_of(refused.refusals.begin(), refused.refusals.end(), [&](const RepairRefusal& r) {
        return r.key == key;
      })) << key;
      RebuildSources sources;
      sources.copy = [&](const std::string&) -> Result<std::optional<std::string>> { return bytes; };
      const RepairPlan made = plan(sources);
      if (!made.items.empty()) {
        EXPECT_EQ(repair(sources).done, std::vector<std::string>{key});
        EXPECT_EQ(value(store.get(key)), bytes);
      }
    }
    ASSERT_OK(store.put_if_absent(key, bytes));
  }
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(RepairTest, ACopyWithOtherBytesIsNotTaken) {
  const std::string key = objects().front();
  const std::string bytes = value(store.get(key));
  ASSERT_OK(store.remove(key));
  RebuildSources sources;
  sources.copy = [&](const std::string&) -> Result<std::optional<std::string>> { return bytes + "x"; };
  EXPECT_TRUE(plan(sources).items.empty());
  sources.copy = [&](const std::string&) -> Result<std::optional<std::string>> { return bytes; };
  EXPECT_EQ(repair(sources).done, std::vector<std::string>{key});
}

// It dies at each call to the store in turn; the next repair ends it, without the hub.
TEST_F(RepairTest, ARepairThatDiesIsEndedByTheNext) {
  struct Killed {};
  const std::string key = objects()[1];
  const std::string bytes = value(store.get(key));
  int removed_and_gone = 0;
  bool died = true;
  for (int at_call = 0; died; ++at_call) {
    // Each round makes the same calls: the records of the rounds before would be read as well.
    for (const std::string& record : keys(layout.repair_chain())) ASSERT_OK(store.remove(record));
    store.corrupt(key, bytes);
    damage(key, bytes.size() / 2);
    const RepairPlan made = plan(from_hub());
    int calls = 0;
    died = false;
    FaultyStore dying(store, [&](StoreOperation, const std::string&) {
      if (calls++ == at_call) throw Killed{};
      return Fault::kNone;
    });
    try {
      value(repairer(dying, from_hub()).run(made, keep.path(), kActor, {}));
    } catch (const Killed&) {
      died = true;
    }
    if (!store.head(key)) ++removed_and_gone;
    RebuildSources sources = from_hub();
    if (!store.head(key)) {
      sources.hub = nullptr;
      sources.copy = [&](const std::string& wanted) { return kept_bytes(keep.path(), wanted); };
    }
    repair(sources);
    EXPECT_EQ(value(store.get(key)), bytes) << "call " << at_call;
  }
  EXPECT_GE(removed_and_gone, 1) << "no death fell between removing and writing";
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(RepairTest, LeftoversGoAndAreRecorded) {
  const std::string key = layout.segment({"shop", "users"}, hour_of(at(9, 0)),
                                         {PartitionId(0), Sequence(0), Sequence(1), Slot(0)});
  ASSERT_OK(store.put_if_absent(key, "a crash left it"));
  const std::string foreign = "changestreams/shop/users/2025/01/15/09-notes.jsonl.gz";
  ASSERT_OK(store.put_if_absent(foreign, "of others"));
  const RepairOutcome outcome = repair({});
  EXPECT_EQ(outcome.done, std::vector<std::string>{key});
  EXPECT_ERROR(store.head(key), ErrorCode::kNotFound);
  EXPECT_OK(store.head(foreign));
  const std::vector<PastRepair> past = value(past_repairs(store, layout));
  ASSERT_EQ(past.size(), 1U);
  EXPECT_EQ(past[0].id, outcome.id);
  EXPECT_EQ(past[0].done, outcome.done);
  EXPECT_EQ(past[0].actor.user, "ada");
  EXPECT_TRUE(past[0].ended.has_value());
  EXPECT_EQ(past[0].planned.at(0).action, RepairAction::kRemoveLeftover);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(RepairTest, TheRecordsOfRepairsAreVerifiedToo) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(store.remove(objects().front()));
    repair(from_hub());
  }
  ASSERT_EQ(verify().verdict, Verdict::kPass);
  const std::vector<std::string> records = keys(layout.repair_chain());
  ASSERT_EQ(records.size(), 4U);
  const auto found = [&](const std::string& key) {
    const VerifyReport report = verify();
    return report.verdict == Verdict::kFail &&
           std::any_of(report.problems.begin(), report.problems.end(),
                       [&](const VerifyProblem& p) { return p.kind == "audit" && p.key == key; });
  };
  for (const std::string& key : records) {
    const std::string bytes = value(store.get(key));
    for (std::size_t place = 0; place < bytes.size(); place += 41) {
      damage(key, place);
      EXPECT_TRUE(found(key)) << key << " byte " << place;
      store.corrupt(key, bytes);
    }
  }
  const std::string second = value(store.get(records[1]));
  ASSERT_OK(store.remove(records[1]));
  EXPECT_TRUE(found(records[1])) << "it is gone";
  // One that is right by itself, in the place of another.
  ASSERT_OK(store.put_if_absent(records[1], value(store.get(records[3]))));
  EXPECT_TRUE(found(records[1]));
  EXPECT_TRUE(found(records[2]));
}

// What a lost slot listed looks like a leftover.
TEST_F(RepairTest, NoLeftoverIsRemovedWhileTheLedgerIsDamaged) {
  ASSERT_OK(store.remove(layout.partition_chain(PartitionId(0)) + KeyLayout::slot_name(Slot(1))));
  const RepairPlan made = plan({});
  EXPECT_FALSE(made.verified.leftovers.empty());
  EXPECT_TRUE(made.items.empty());
}

std::string sample(const std::string& file) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/samples" / file;
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// What was written once is read for ever.
TEST(RepairFormats, RepairsV1) {
  const std::string text = sample("repairs-v1.jsonl");
  const std::size_t border = text.find('\n') + 1;
  const KeyLayout layout("changestreams");
  MemoryStore store;
  ASSERT_OK(
      store.put_if_absent(layout.repair_chain() + KeyLayout::slot_name(Slot(0)), text.substr(0, border)));
  ASSERT_OK(store.put_if_absent(layout.repair_chain() + KeyLayout::slot_name(Slot(1)), text.substr(border)));
  const std::vector<PastRepair> repairs = value(past_repairs(store, layout));
  ASSERT_EQ(repairs.size(), 1U);
  EXPECT_EQ(repairs[0].id, "1a2b3c4d5e6f7081");
  EXPECT_EQ(repairs[0].actor.host, "ops-1");
  EXPECT_EQ(repairs[0].begun, parse_rfc3339("2025-01-16T08:15:02Z"));
  EXPECT_EQ(repairs[0].ended, parse_rfc3339("2025-01-16T08:15:03Z"));
  ASSERT_EQ(repairs[0].planned.size(), 2U);
  EXPECT_EQ(repairs[0].planned[0].sources, "the hub's events");
  EXPECT_EQ(repairs[0].planned[1].action, RepairAction::kRemoveLeftover);
  EXPECT_EQ(repairs[0].done.size(), 1U);
  EXPECT_EQ(repairs[0].not_done.at(0).problem, "the store does not answer");
}

// An audit trail that guesses is none.
TEST(RepairFormats, WhatNobodyKnowsIsRefused) {
  const std::string text = sample("repairs-v1.jsonl");
  const std::size_t border = text.find('\n') + 1;
  const KeyLayout layout("changestreams");
  const auto read = [&](const std::string& begun, const std::string& ended) {
    MemoryStore store;
    EXPECT_OK(store.put_if_absent(layout.repair_chain() + KeyLayout::slot_name(Slot(0)), begun));
    EXPECT_OK(store.put_if_absent(layout.repair_chain() + KeyLayout::slot_name(Slot(1)), ended));
    return past_repairs(store, layout);
  };
  const std::string begun = text.substr(0, border);
  const std::string ended = text.substr(border);
  EXPECT_OK(read(begun, ended));
  Json json = value(open_sealed_json(begun, "slot"));
  json["items"][0]["action"] = "dream";
  EXPECT_ERROR(read(seal_json(json), ended), ErrorCode::kCorrupt);
  json = value(open_sealed_json(ended, "slot"));
  json["kind"] = "dreamt";
  EXPECT_ERROR(read(begun, seal_json(json)), ErrorCode::kCorrupt);
  json["kind"] = "ended";
  json["done"][0] = 7;
  EXPECT_ERROR(read(begun, seal_json(json)), ErrorCode::kCorrupt);
}

TEST(RepairFormats, VerifyMemoryV1) {
  const std::string text = sample("verify-memory-v1.jsonl");
  const VerifyMemory memory = value(VerifyMemory::decode(text, "sample"));
  EXPECT_EQ(memory.size(), 1U);
  EXPECT_EQ(memory.encode(), text);
}

// Each poll at another time, as in a daemon.
class TickingClock final : public Clock {
 public:
  explicit TickingClock(Timestamp start) : now_ms_(start.ms) {}
  Timestamp now() const override { return {now_ms_ += 7}; }
  Duration steady() const override { return {0}; }
  bool sleep(Duration, std::stop_token stop) override { return !stop.stop_requested(); }

 private:
  mutable std::atomic<std::int64_t> now_ms_;
};

// Segments whose blocks hold the records of many polls.
class RepairOfManyPolls : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override {
    options.segment.block_text_bytes = 60'000;
    init();
    const std::string text(2'000, 'x');
    for (int i = 0; i < 8'000; ++i) {
      std::string payload = event("shop", i % 3 == 0 ? "orders" : "users", i);
      payload.replace(payload.find("some text"), 9, text);
      hub.append(PartitionId(0), payload, at(8, i / 200), false);
    }
    TickingClock ticking(at(23, 0));
    value(Archiver({hub, store, layout, ticking, random}, options).run(ArchiveMode::kOnceAndClose, {}));
    const Catalog archived = catalog();
    for (const ListedSegment& s : archived.segments()) {
      originals_[s.facts.key] = value(store.get(s.facts.key));
      read_stamps(originals_[s.facts.key]);
    }
    std::set<std::int64_t> different;
    for (const auto& [sequence, stamp] : stamps_) different.insert(stamp.ms);
    ASSERT_GT(different.size(), 3U) << "the archiver polled too rarely for this test";
  }
  void read_stamps(const std::string& bytes) {
    StringSource source(bytes);
    SegmentReader reader(source);
    RecordScanner scanner;
    for (auto text = value(reader.next()); !text.empty(); text = value(reader.next())) {
      ASSERT_OK(for_each_line(text, [&](std::string_view line) -> Result<void> {
        CV_ASSIGN(const RecordView record, scanner.scan(line));
        stamps_[Sequence(*record.sequence_number)] = *record.processed_timestamp;
        return {};
      }));
    }
  }
  RepairPlan plan(RebuildSources sources) {
    sources.hub = &hub;
    sources.search_bytes = 1 << 20;
    return value(Repairer({store, layout, clock, random}, sources).plan({}, VerifyMode::kFull, nullptr, {}));
  }
  void repair(RebuildSources sources) {
    sources.hub = &hub;
    Repairer repairer({store, layout, clock, random}, sources);
    const RepairPlan made = value(repairer.plan({}, VerifyMode::kFull, nullptr, {}));
    EXPECT_TRUE(made.refusals.empty()) << made.refusals.at(0).advice;
    value(repairer.run(made, keep_.path(), kActor, {}));
  }

  TempDir keep_;
  std::map<std::string, std::string> originals_;
  StampHints stamps_;
};

TEST_F(RepairOfManyPolls, TheOtherObjectsOfTheCommitTellTheTimes) {
  for (const auto& [key, bytes] : originals_) {
    ASSERT_OK(store.remove(key));
    repair({});
    EXPECT_EQ(value(store.get(key)), bytes) << key;
  }
}

TEST_F(RepairOfManyPolls, WithEveryObjectGoneTheWarehouseTellsTheTimes) {
  for (const auto& [key, bytes] : originals_) ASSERT_OK(store.remove(key));
  EXPECT_TRUE(plan({}).items.empty()) << "nobody knows the times, and nothing is invented";
  RebuildSources sources;
  sources.stamps = [&](PartitionId, Sequence first, Sequence last) -> Result<StampHints> {
    return StampHints(stamps_.lower_bound(first), stamps_.upper_bound(last));
  };
  repair(sources);
  for (const auto& [key, bytes] : originals_) EXPECT_EQ(value(store.get(key)), bytes) << key;
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

}  // namespace
}  // namespace changevault
