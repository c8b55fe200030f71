#include "recovery/acks.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/hash.h"
#include "codec/json.h"
#include "codec/sealed_json.h"
#include "recovery/recovery_fixture.h"
#include "store/faulty_store.h"

namespace changevault {
namespace {

using testing::CountingRandom;
using testing::kFirstHour;
using testing::kOrders;
using testing::kProducts;
using testing::TestArchive;
using testing::value;

const Actor kActor{"ada", "ops-1", "changevault 0.1.0"};

Timestamp at(const char* text) {
  return *parse_rfc3339(text);
}

AcknowledgedCell cell_of(Hour hour, std::int64_t missing) {
  CellEvidence evidence;
  evidence.numbers = {20, 20 - missing, 20 - missing, missing, 0, 0, 0};
  evidence.archive_digest = 0x0123456789abcdefU;
  evidence.warehouse_digest = 0xfedcba9876543210U;
  return {hour, kProducts, GapState::kPartial, evidence};
}

class AcksTest : public ::testing::Test {
 protected:
  AckWriter writer() { return {store_, layout_, clock_, random_, "ops-1:4711"}; }
  Slot acknowledge(const AcknowledgedCell& cell) {
    return value(writer().acknowledge({kActor, "known outage", "in words", {cell}})).at(0);
  }
  Acks read() { return value(Acks::read(store_, layout_)); }
  bool holds(const AcknowledgedCell& cell) {
    return read().holding(cell.hour, cell.ns, cell.evidence) != nullptr;
  }
  std::string key(int slot) const { return layout_.ack_chain() + KeyLayout::slot_name(Slot(slot)); }
  void flip_bit(int slot) {
    std::string bytes = value(store_.get(key(slot)));
    bytes[bytes.size() / 2] ^= 1;
    store_.corrupt(key(slot), bytes);
  }

  ManualClock clock_{Timestamp{1'736'951'400'000}};
  CountingRandom random_;
  MemoryStore store_{clock_};
  KeyLayout layout_{"changestreams"};
  const AcknowledgedCell first_ = cell_of(kFirstHour, 3);
  const AcknowledgedCell second_ = cell_of(kFirstHour.next(), 4);
};

TEST_F(AcksTest, HoldsForExactlyWhatWasSeen) {
  EXPECT_EQ(acknowledge(first_), Slot(0));
  EXPECT_TRUE(holds(first_));
  std::vector<AcknowledgedCell> others(8, first_);
  others[0].evidence.numbers.missing = 4;
  others[1].evidence.numbers.extra = 1;
  others[2].evidence.numbers.duplicate = 1;
  others[3].evidence.archive_digest += 1;
  others[4].evidence.warehouse_digest += 1;
  others[5].evidence.lost = 1;
  others[6].hour = kFirstHour.next();
  others[7].ns = kOrders;
  for (const AcknowledgedCell& other : others) EXPECT_FALSE(holds(other));
}

TEST_F(AcksTest, TakingBackIsAFurtherSlotAndMayBeAcknowledgedAgain) {
  acknowledge(first_);
  EXPECT_EQ(value(writer().take_back({kActor, "", Slot(0)})), Slot(1));
  EXPECT_FALSE(holds(first_));
  EXPECT_ERROR(writer().take_back({kActor, "", Slot(0)}), ErrorCode::kUsage);
  EXPECT_ERROR(writer().take_back({kActor, "", Slot(7)}), ErrorCode::kNotFound);
  EXPECT_ERROR(writer().take_back({kActor, "", Slot(1)}), ErrorCode::kNotFound);
  EXPECT_EQ(acknowledge(first_), Slot(2));
  EXPECT_TRUE(holds(first_));
  EXPECT_EQ(read().cells(), 1);
}

TEST_F(AcksTest, AWideAcknowledgementIsWrittenAsSeveral) {
  Acknowledgement what{kActor, "known outage", "in words", {}};
  for (std::size_t i = 0; i < kAckCells + 1; ++i)
    what.cells.push_back(cell_of({kFirstHour.index + static_cast<std::int64_t>(i)}, 1));
  EXPECT_EQ(value(writer().acknowledge(what)), (std::vector<Slot>{Slot(0), Slot(1)}));
  EXPECT_EQ(read().cells(), static_cast<std::int64_t>(kAckCells) + 1);
}

TEST_F(AcksTest, WithoutGapsOrReasonNothingIsWritten) {
  EXPECT_ERROR(writer().acknowledge({kActor, "why", "", {}}), ErrorCode::kUsage);
  EXPECT_ERROR(writer().acknowledge({kActor, "", "", {first_}}), ErrorCode::kUsage);
  EXPECT_EQ(read().end(), Slot(0));
}

// A damaged slot may have been the taking back of any before it.
TEST_F(AcksTest, OnlyWhatStandsBehindTheLastDamageCounts) {
  acknowledge(first_);
  value(writer().take_back({kActor, "", Slot(0)}));
  acknowledge(second_);
  flip_bit(1);
  EXPECT_FALSE(holds(first_)) << "a damaged taking back made a gap green";
  EXPECT_TRUE(holds(second_));
  const Acks acks = read();
  ASSERT_EQ(acks.damage().size(), 1U);
  EXPECT_EQ(acks.damage()[0].object, key(1));
  flip_bit(2);
  EXPECT_FALSE(holds(second_));
  EXPECT_EQ(acknowledge(second_), Slot(3)) << "what is still accepted can be acknowledged again";
  EXPECT_TRUE(holds(second_));
}

TEST_F(AcksTest, AHoleCountsAsDamage) {
  acknowledge(first_);
  value(writer().take_back({kActor, "", Slot(0)}));
  acknowledge(second_);
  EXPECT_OK(store_.remove(key(1)));
  EXPECT_FALSE(holds(first_));
  EXPECT_TRUE(holds(second_));
  ASSERT_EQ(read().damage().size(), 1U);
  EXPECT_EQ(read().damage()[0].object, key(1));
}

// Whole by itself, but not what its follower was written behind.
TEST_F(AcksTest, ARewrittenSlotIsFoundByTheOneBehindIt) {
  acknowledge(first_);
  acknowledge(second_);
  AckEntry entry = value(decode_ack(value(store_.get(key(0))), key(0)));
  std::get<Acknowledgement>(entry.body).cells[0].evidence.numbers.missing = 4;
  store_.corrupt(key(0), encode_ack(entry));
  EXPECT_FALSE(read().damage().empty());
  EXPECT_EQ(read().cells(), 0);
}

TEST_F(AcksTest, TwoAtOnceBothStand) {
  // Somebody else takes the slot between our reading and our writing.
  bool done = false;
  FaultyStore quicker(store_, [&](StoreOperation operation, const std::string&) {
    if (operation == StoreOperation::kPut && !std::exchange(done, true)) acknowledge(second_);
    return Fault::kNone;
  });
  AckWriter ours{quicker, layout_, clock_, random_, "ops-2:1"};
  EXPECT_EQ(value(ours.acknowledge({kActor, "why", "", {first_}})).at(0), Slot(1));
  EXPECT_TRUE(holds(first_));
  EXPECT_TRUE(holds(second_));
  EXPECT_TRUE(read().damage().empty());
}

TEST_F(AcksTest, ALostAnswerWritesNothingTwice) {
  FaultyStore lossy(store_, [](StoreOperation operation, const std::string&) {
    return operation == StoreOperation::kPut ? Fault::kFailAfter : Fault::kNone;
  });
  AckWriter ours{lossy, layout_, clock_, random_, "ops-1:1"};
  EXPECT_EQ(value(ours.acknowledge({kActor, "why", "", {first_}})).at(0), Slot(0));
  EXPECT_EQ(read().end(), Slot(1));
}

// A store that does not answer says nothing about acknowledgements: no verdict, rather than a red or a green
// one.
TEST_F(AcksTest, AStoreThatDoesNotAnswerIsAnError) {
  acknowledge(first_);
  FaultyStore down(store_, [](StoreOperation operation, const std::string&) {
    return operation == StoreOperation::kGet ? Fault::kFailBefore : Fault::kNone;
  });
  EXPECT_ERROR(Acks::read(down, layout_), ErrorCode::kUnreachable);
}

// Through the comparison: accepted, grown, repaired.
TEST_F(AcksTest, AGapThatGrowsIsRedAgain) {
  TestArchive archive;
  archive.load(archive.add(kProducts, kFirstHour, {{1}, {2}, {3}, {4}}));
  archive.lose(2);
  Scope scope;
  scope.time = {kFirstHour.start(), kFirstHour.end()};
  std::vector<AcknowledgedCell> seen;
  const auto state = [&](bool accept) {
    const Acks acks = read();
    CoverageOptions options;
    options.now = archive.clock().now();
    seen.clear();
    options.acknowledged = [&](const GapCell& cell, const Namespace& ns, const CellEvidence& evidence) {
      seen.push_back({cell.hour, ns, cell.state, evidence});
      return accept && acks.holding(cell.hour, ns, evidence) != nullptr;
    };
    return value(find_gaps(scope, archive.side(), archive.warehouse(), archive.feed(), options))
        .cells.at(0)
        .state;
  };
  EXPECT_EQ(state(true), GapState::kPartial);
  acknowledge(seen.at(0));
  EXPECT_EQ(state(true), GapState::kAcknowledged);
  // The same count, of another event.
  archive.change_rows([](auto& rows) {
    for (auto& row : rows) {
      if (row.event_id == testing::event_id(3)) row.event_id = testing::event_id(2);
    }
  });
  EXPECT_EQ(state(true), GapState::kPartial) << "another event is missing now";
  archive.lose(4);
  EXPECT_EQ(state(true), GapState::kPartial);
}

// Losses have no numbers in the cell: how much was lost is part of what was seen.
TEST_F(AcksTest, AFurtherLossInAnAcknowledgedHourIsRed) {
  TestArchive archive;
  archive.load(archive.add(kProducts, kFirstHour, {{1}, {2}}));
  ArchiveSide side = archive.side();
  LostEntry lost;
  lost.first = Sequence(10);
  lost.last = Sequence(19);
  lost.from = kFirstHour.start();
  lost.to = kFirstHour.start() + minutes(5);
  side.lost = {{PartitionId(0), Slot(3), lost}};
  Scope scope;
  scope.time = {kFirstHour.start(), kFirstHour.end()};
  const auto state = [&] {
    const Acks acks = read();
    CoverageOptions options;
    options.now = archive.clock().now();
    options.acknowledged = [&](const GapCell& cell, const Namespace& ns, const CellEvidence& evidence) {
      const bool held = acks.holding(cell.hour, ns, evidence) != nullptr;
      if (!held && acks.given().empty()) acknowledge({cell.hour, ns, cell.state, evidence});
      return held;
    };
    return value(find_gaps(scope, side, archive.warehouse(), archive.feed(), options)).cells.at(0).state;
  };
  EXPECT_EQ(state(), GapState::kLost);
  EXPECT_EQ(state(), GapState::kAcknowledged);
  lost.first = Sequence(20);
  lost.last = Sequence(20);
  side.lost.push_back({PartitionId(0), Slot(4), lost});
  EXPECT_EQ(state(), GapState::kLost);
}

TEST(AckFormat, V1) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/samples/ack-v1.jsonl";
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in.good()) << path;
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const std::size_t end = text.find('\n') + 1;
  AcknowledgedCell cell;
  cell.hour = hour_of(at("2025-01-15T14:00:00Z"));
  cell.ns = {"inventory_db", "products"};
  cell.state = GapState::kPartial;
  cell.evidence = {{2544, 2500, 2500, 44, 0, 0, 0}, 0x0123456789abcdefU, 0xfedcba9876543210U, 0};
  const AckEntry given{
      "ops-1:4711", std::string(32, '0'), at("2025-01-16T08:15:00.250Z"), kNoPrevious,
      Acknowledgement{kActor, "lost in the migration of January", "inventory_db.products", {cell}}};
  const AckEntry back{"ops-1:4712", std::string(32, '1'), at("2025-01-17T09:00:00Z"),
                      sha256_hex(text.substr(0, end)), TakenBack{kActor, "it was found", Slot(0)}};
  EXPECT_EQ(value(decode_ack(text.substr(0, end), "ack")), given);
  EXPECT_EQ(encode_ack(given), text.substr(0, end));
  EXPECT_EQ(value(decode_ack(text.substr(end), "ack")), back);
  EXPECT_EQ(encode_ack(back), text.substr(end));
}

TEST(AckFormat, NewerVersionsAndNonsenseAreNamed) {
  const AckEntry entry{"o", "n", {}, kNoPrevious, TakenBack{kActor, "", Slot(0)}};
  Json json = value(open_sealed_json(encode_ack(entry), "slot"));
  json["format"] = 2;
  EXPECT_ERROR(decode_ack(seal_json(json), "slot"), ErrorCode::kUsage);
  json["format"] = 1;
  json["kind"] = "dreamt";
  EXPECT_ERROR(decode_ack(seal_json(json), "slot"), ErrorCode::kCorrupt);
  json["kind"] = "take_back";
  json["ack"] = -1;
  EXPECT_ERROR(decode_ack(seal_json(json), "slot"), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace changevault
