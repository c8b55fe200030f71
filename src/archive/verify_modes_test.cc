// Quick and incremental verification, and archives whose hub was replaced, grew or lost events.
#include <algorithm>
#include <random>
#include <set>
#include <stop_token>

#include <gtest/gtest.h>

#include "archive/chain.h"
#include "archive/sealer.h"
#include "archive/verify.h"
#include "archive/verify_memory.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "codec/record_builder.h"
#include "store/faulty_store.h"
#include "store/metered_store.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::TempDir;
using testing::value;

bool names_kind(const VerifyReport& report, const std::string& kind) {
  return std::any_of(report.problems.begin(), report.problems.end(),
                     [&](const VerifyProblem& problem) { return problem.kind == kind; });
}

bool names_key(const VerifyReport& report, const std::string& key) {
  return std::any_of(report.problems.begin(), report.problems.end(),
                     [&](const VerifyProblem& problem) { return problem.key == key; });
}

class VerifyModes : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override {
    init();
    for (int i = 0; i < 120; ++i) {
      hub.append(PartitionId(i % 2), event("shop", i % 3 == 0 ? "orders" : "users", i),
                 at(8 + i / 40, i % 60), false);
    }
    hub.append(PartitionId(0), "broken", at(11, 0), false);
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  }

  VerifyReport verify_as(VerifyMode mode, VerifyMemory* memory = nullptr) {
    return verify_in(store, mode, memory);
  }
  VerifyReport verify_in(ObjectStore& in, VerifyMode mode, VerifyMemory* memory) {
    return value(verify_archive(in, layout, {}, nullptr, {}, {mode, memory, clock.now()}));
  }
  std::vector<std::string> objects() {
    std::vector<std::string> found;
    for (const std::string& key : keys()) {
      if (key.ends_with(".jsonl.gz")) found.push_back(key);
    }
    return found;
  }
};

// Hundreds of damages at random over everything that the archive is made of.
TEST_F(VerifyModes, FullFindsEveryDamageAndQuickWhatChangesSizeOrLedger) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 generator(seed);
  const std::vector<std::string> all = keys();
  for (int round = 0; round < 400; ++round) {
    const std::string& key = all[generator() % all.size()];
    const std::string bytes = value(store.get(key));
    std::string damaged = bytes;
    switch (generator() % 3) {
      case 0:
        damaged.resize(generator() % bytes.size());
        break;
      case 1:
        damaged[generator() % bytes.size()] ^= static_cast<char>(1U << (generator() % 8));
        break;
      default:
        damaged.insert(generator() % bytes.size(), 1 + generator() % 9, 'x');
    }
    store.corrupt(key, damaged);
    const VerifyReport full = verify_as(VerifyMode::kFull);
    EXPECT_EQ(full.verdict, Verdict::kFail) << key << " round " << round;
    EXPECT_TRUE(names_key(full, key)) << key << " round " << round;
    if (damaged.size() != bytes.size() || key.ends_with(".json")) {
      const VerifyReport quick = verify_as(VerifyMode::kQuick);
      EXPECT_EQ(quick.verdict, Verdict::kFail) << key << " round " << round;
      EXPECT_TRUE(names_key(quick, key)) << key << " round " << round;
    }
    store.corrupt(key, bytes);
  }
  EXPECT_EQ(verify_as(VerifyMode::kFull).verdict, Verdict::kPass);
}

TEST_F(VerifyModes, QuickReadsNoContent) {
  MeteredStore metered(store);
  const VerifyReport report = verify_in(metered, VerifyMode::kQuick, nullptr);
  EXPECT_EQ(report.verdict, Verdict::kPass);
  EXPECT_EQ(report.segments_checked, 8 + 4);
  EXPECT_EQ(report.records_checked, 0);
  EXPECT_EQ(report.bytes_read, 0);
  const auto slots = static_cast<std::int64_t>(keys(layout.ledger_prefix()).size());
  EXPECT_LE(metered.usage(StoreOperation::kGet).requests, slots + 1) << "the ledger's slots and nothing else";

  const std::string gone = objects().front();
  ASSERT_OK(store.remove(gone));
  EXPECT_TRUE(names_key(verify_as(VerifyMode::kQuick), gone));
}

TEST_F(VerifyModes, IncrementalReadsOnlyWhatItDoesNotKnow) {
  VerifyMemory memory;
  const VerifyReport first = verify_as(VerifyMode::kIncremental, &memory);
  EXPECT_EQ(first.verdict, Verdict::kPass);
  EXPECT_EQ(first.remembered, 0);
  EXPECT_EQ(memory.size(), objects().size());
  const Timestamp checked = clock.now();

  clock.advance(hours(5));
  const VerifyReport second = verify_as(VerifyMode::kIncremental, &memory);
  EXPECT_EQ(second.verdict, Verdict::kPass);
  EXPECT_EQ(second.segments_checked, 0);
  EXPECT_EQ(second.bytes_read, 0);
  EXPECT_EQ(second.remembered, static_cast<std::int64_t>(objects().size()));
  EXPECT_EQ(second.oldest_check, checked);

  // What changed since is read, and what is wrong is not remembered.
  const std::string key = objects()[3];
  const std::string bytes = value(store.get(key));
  std::string damaged = bytes;
  damaged[damaged.size() / 2] ^= 8;
  store.corrupt(key, damaged);
  const VerifyReport third = verify_as(VerifyMode::kIncremental, &memory);
  EXPECT_EQ(third.verdict, Verdict::kFail);
  EXPECT_TRUE(names_key(third, key));
  EXPECT_EQ(third.remembered, static_cast<std::int64_t>(objects().size()) - 1);
  EXPECT_EQ(memory.size(), objects().size() - 1);
  store.corrupt(key, bytes);
  EXPECT_EQ(verify_as(VerifyMode::kIncremental, &memory).verdict, Verdict::kPass);
  EXPECT_EQ(memory.size(), objects().size());

  // A full verification asks nobody, and is remembered.
  clock.advance(hours(1));
  const VerifyReport full = verify_as(VerifyMode::kFull, &memory);
  EXPECT_EQ(full.remembered, 0);
  EXPECT_EQ(verify_as(VerifyMode::kIncremental, &memory).oldest_check, clock.now());
}

TEST_F(VerifyModes, IncrementalStillFindsWhatIsGoneAndADamagedLedger) {
  VerifyMemory memory;
  verify_as(VerifyMode::kFull, &memory);
  for (const std::string& key : keys()) {
    const std::string bytes = value(store.get(key));
    ASSERT_OK(store.remove(key));
    const VerifyReport report = verify_as(VerifyMode::kIncremental, &memory);
    const bool newest_seal =
        key == keys(layout.seal_chain()).back() || key > keys(layout.seal_chain()).back();
    if (!(key.starts_with(layout.seal_chain()) && newest_seal)) {
      EXPECT_EQ(report.verdict, Verdict::kFail) << key;
    }
    ASSERT_OK(store.put_if_absent(key, bytes));
  }
}

TEST_F(VerifyModes, TheMemoryOfAnotherArchiveIsNotUsed) {
  VerifyMemory memory;
  verify_as(VerifyMode::kFull, &memory);
  ArchiveFixture other;
  other.random.next();
  other.init();
  other.hub.append(PartitionId(0), event("shop", "users", 1), at(8, 0), false);
  ASSERT_OK(other.archive(ArchiveMode::kOnceAndClose));
  const VerifyReport report = value(
      verify_archive(other.store, layout, {}, nullptr, {}, {VerifyMode::kIncremental, &memory, clock.now()}));
  EXPECT_EQ(report.verdict, Verdict::kPass);
  EXPECT_EQ(report.remembered, 0);
  EXPECT_EQ(report.notes.size(), 1U);
}

TEST_F(VerifyModes, NothingCheckedAndNothingRememberedIsNoProof) {
  VerifyMemory memory;
  Scope scope;
  scope.database = "nobody";
  const VerifyReport report = value(
      verify_archive(store, layout, scope, nullptr, {}, {VerifyMode::kIncremental, &memory, clock.now()}));
  EXPECT_EQ(report.verdict, Verdict::kIndeterminate);
}

// However many cores check, no more than three objects can have been checked when the stop comes.
TEST_F(VerifyModes, WhatWasCheckedBeforeAStopIsRemembered) {
  VerifyMemory memory;
  std::stop_source stop;
  Mutex mutex;
  std::set<std::string> given;
  FaultyStore three(store, [&](StoreOperation operation, const std::string& key) {
    if (operation != StoreOperation::kGet || !key.ends_with(".gz")) return Fault::kNone;
    const MutexLock lock(mutex);
    if (given.size() < 3) given.insert(key);
    return given.contains(key) ? Fault::kNone : Fault::kFailBefore;
  });
  const auto after_three = [&](const VerifyProgress& progress) {
    if (progress.segments_done == 3) stop.request_stop();
  };
  EXPECT_ERROR(verify_archive(three, layout, {}, after_three, stop.get_token(),
                              {VerifyMode::kIncremental, &memory, clock.now()}),
               ErrorCode::kCancelled);
  EXPECT_EQ(memory.size(), 3U);
  EXPECT_LT(memory.size(), objects().size());
}

TEST_F(VerifyModes, TheMemoryFileProvesItself) {
  VerifyMemory memory;
  verify_as(VerifyMode::kFull, &memory);
  TempDir folder;
  const std::filesystem::path file = folder.path() / "deep/verify.memory";
  EXPECT_EQ(value(read_verify_memory(file)), std::nullopt);
  ASSERT_OK(write_verify_memory(memory, file));
  ASSERT_OK(write_verify_memory(memory, file));
  EXPECT_EQ(value(read_verify_memory(file)), memory);

  const std::string text = memory.encode();
  for (std::size_t i = 0; i < text.size(); i += 7) {
    std::string flipped = text;
    flipped[i] ^= 1;
    EXPECT_ERROR(VerifyMemory::decode(flipped, "x"), ErrorCode::kCorrupt);
    EXPECT_ERROR(VerifyMemory::decode(text.substr(0, i), "x"), ErrorCode::kCorrupt);
  }
}

// A ledger written by hand: a hub that is replaced, gets another partition and loses events.
struct HandWritten : ArchiveFixture {
  void append(const std::string& folder, EntryBody body) {
    Chain chain(store, folder);
    const Slot end = value(chain.find_end());
    std::string previous = kNoPrevious;
    if (end > Slot(0)) previous = value(chain.read(end.previous())).sha256;
    const std::string bytes =
        encode_entry({{"test:1", random.nonce(), clock.now(), previous}, std::move(body)});
    EXPECT_EQ(value(chain.create(end, bytes)), Chain::CreateOutcome::kCreated);
  }
  void append(int partition, EntryBody body) {
    append(layout.partition_chain(PartitionId(partition)), std::move(body));
  }
  void seal() {
    SealInputs inputs;
    for (const auto& [partition, entries] : commits_) inputs[PartitionId(partition)] = entries;
    const Catalog c = catalog();
    append(layout.seal_chain(), *next_seal(inputs, c.sealed_to()));
  }

  HubEntry hub_entry(std::int64_t epoch, std::int32_t partitions) {
    HubEntry entry{"memory", "hub-" + std::to_string(epoch), "t", Epoch(epoch), "pipeline", "default", 0};
    entry.partitions = partitions;
    return entry;
  }
  ClaimEntry claim(std::int64_t epoch, std::int64_t next, std::optional<Timestamp> reached,
                   std::optional<Timestamp> floor = std::nullopt) {
    return {Epoch(epoch), Sequence(next), reached, floor};
  }

  // A commit of one event without a token at `time`, whose id is made from its place.
  void commit(int partition, std::int64_t epoch, std::int64_t sequence, Timestamp time) {
    const RecordIdentity identity{"default", "hub-" + std::to_string(epoch), Epoch(epoch)};
    RecordBuilder builder(identity);
    const std::string payload = R"({"operationType":"insert","ns":{"db":"shop","coll":"users"}})";
    const HubEvent source{PartitionId(partition), Sequence(sequence), "7", time, payload};
    const auto parsed = builder.parse(source);
    SegmentWriter writer{SegmentOptions{}};
    BlockWorker compressor(1);
    builder.append_record(*parsed, source, time, time, writer.text());
    writer.added({Sequence(sequence), time, parsed->id, "insert"}, compressor);
    FinishedSegment finished = writer.finish(compressor);
    SegmentFacts facts = std::move(finished.facts);
    facts.ns = {"shop", "users"};
    facts.hour = hour_of(time);
    facts.partition = PartitionId(partition);
    Chain chain(store, layout.partition_chain(PartitionId(partition)));
    const Slot end = value(chain.find_end());
    facts.key = layout.segment(facts.ns, facts.hour,
                               {facts.partition, Sequence(sequence), Sequence(sequence), end.previous()});
    EXPECT_OK(store.put_if_absent(facts.key, finished.bytes));
    CommitEntry entry;
    entry.epoch = Epoch(epoch);
    entry.first = entry.last = Sequence(sequence);
    entry.events = 1;
    entry.reached = time;
    entry.segments = {facts};
    commits_[partition].push_back({end, time, {facts}, {}, std::nullopt});
    append(partition, entry);
  }
  void idle(int partition, std::int64_t epoch, std::int64_t next, Timestamp time) {
    CommitEntry entry;
    entry.epoch = Epoch(epoch);
    entry.first = Sequence(next);
    entry.last = Sequence(next - 1);
    entry.reached = time;
    Chain chain(store, layout.partition_chain(PartitionId(partition)));
    commits_[partition].push_back({value(chain.find_end()), time, {}, {}, std::nullopt});
    append(partition, entry);
  }

  // One partition, an hour sealed; then a replaced hub with two, and another hour sealed.
  void two_lives(std::optional<Timestamp> floor, Timestamp joined) {
    append(layout.seal_chain(), hub_entry(0, 1));
    append(0, claim(0, 0, std::nullopt));
    commit(0, 0, 0, at(8, 10));
    idle(0, 0, 1, at(9, 0));
    seal();
    append(layout.seal_chain(), hub_entry(1, 2));
    append(0, claim(1, 0, at(9, 0)));
    commit(0, 1, 0, at(9, 30));
    idle(0, 1, 1, at(10, 0));
    append(1, claim(1, 0, std::nullopt, floor));
    commit(1, 1, 0, joined);
    idle(1, 1, 1, at(10, 0));
  }

  std::map<int, std::vector<SealInput>> commits_;
};

class Epochs : public ::testing::Test, protected HandWritten {};

TEST_F(Epochs, IdsAreMadeFromTheHubOfTheirCommit) {
  two_lives(at(9, 0), at(9, 40));
  seal();
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, Verdict::kPass) << (report.problems.empty() ? "" : report.problems[0].detail);
  EXPECT_EQ(report.records_checked, 3);
  EXPECT_EQ(report.seals_checked, 2);
}

TEST_F(Epochs, AJoinedPartitionKeepsOutOfSealedHours) {
  two_lives(std::nullopt, at(9, 40));
  EXPECT_TRUE(names_kind(verify(), "floor")) << "no floor was recorded";
}

TEST_F(Epochs, AnEventBelowTheFloorIsNamed) {
  two_lives(at(9, 0), at(8, 40));
  EXPECT_TRUE(names_kind(verify(), "floor"));
}

TEST_F(Epochs, ASealNamesExactlyThePartitionsOfItsHub) {
  two_lives(at(9, 0), at(9, 40));
  commits_.erase(1);
  seal();
  EXPECT_TRUE(names_kind(verify(), "seal")) << "partition 1 is not in it";
}

TEST_F(Epochs, HubEntriesGrowOrBeginTheNextEpoch) {
  const auto wrong = [](const std::function<void(HubEntry&)>& change) {
    HandWritten one;
    one.append(one.layout.seal_chain(), one.hub_entry(0, 2));
    HubEntry second = one.hub_entry(0, 3);
    change(second);
    one.append(one.layout.seal_chain(), second);
    return names_kind(one.verify(), "hub");
  };
  EXPECT_FALSE(wrong([](HubEntry&) {}));
  EXPECT_FALSE(wrong([](HubEntry& h) { h.epoch = Epoch(1), h.identity = "other", h.partitions = 1; }));
  EXPECT_TRUE(wrong([](HubEntry& h) { h.partitions = 1; }));
  EXPECT_TRUE(wrong([](HubEntry& h) { h.partitions = 2; }));
  EXPECT_TRUE(wrong([](HubEntry& h) { h.identity = "other"; }));
  EXPECT_TRUE(wrong([](HubEntry& h) { h.epoch = Epoch(2); }));
  EXPECT_TRUE(wrong([](HubEntry& h) { h.epoch = Epoch(1), h.group = "other"; }));
}

TEST_F(Epochs, AnEpochThatNoHubEntryBeganIsNamed) {
  append(layout.seal_chain(), hub_entry(0, 1));
  append(0, claim(3, 0, std::nullopt));
  EXPECT_TRUE(names_kind(verify(), "chain"));
}

TEST_F(Epochs, ASealNamesTheLossesOfItsHours) {
  for (const bool named : {true, false}) {
    HandWritten one;
    one.append(one.layout.seal_chain(), one.hub_entry(0, 1));
    one.append(0, one.claim(0, 0, std::nullopt));
    one.commit(0, 0, 0, at(8, 10));
    const std::string salvage = one.layout.segment({"shop", "users"}, hour_of(at(8, 0)),
                                                   {PartitionId(0), Sequence(1), Sequence(4), Slot(0)});
    EXPECT_OK(one.store.put_if_absent(salvage, "what is left"));
    LostEntry loss{Epoch(0), Sequence(1), Sequence(4), "retention", at(8, 10), at(8, 20), {salvage}};
    if (named) one.commits_[0].push_back({Slot(2), at(8, 10), {}, {}, loss});
    one.append(0, loss);
    one.commit(0, 0, 5, at(8, 30));
    one.idle(0, 0, 6, at(9, 0));
    one.seal();
    const VerifyReport report = one.verify();
    EXPECT_EQ(report.verdict, named ? Verdict::kPass : Verdict::kFail);
    EXPECT_EQ(report.lost_ranges, 1);
    EXPECT_EQ(report.salvage, std::vector<std::string>{salvage});
    EXPECT_TRUE(report.leftovers.empty());
  }
}

}  // namespace
}  // namespace changevault
