#include "archive/adoption.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "archive/adopted.h"
#include "archive/chain.h"
#include "archive/hour_catalog.h"
#include "archive/leftovers.h"
#include "codec/json.h"
#include "codec/sealed_json.h"
#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

class AdoptionTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  static std::string record(Timestamp time, int number, const std::string& collection = "orders") {
    return R"({"event_id":")" + std::to_string(number) + R"(","enqueued_time":")" + to_rfc3339(time) +
           R"(","operation_type":"insert","database_name":"shop","collection_name":")" + collection +
           R"(","raw_event":{"n":)" + std::to_string(number) + "}}\n";
  }
  static std::string key(int hour, const std::string& name) {
    return "changestreams/shop/orders/2025/01/15/" + hour_digits(hour_of(at(hour, 0))) + "-" + name;
  }
  void put(const std::string& name, const std::string& bytes) {
    EXPECT_EQ(value(store.put_if_absent(name, bytes)), PutOutcome::kCreated);
  }
  // Files of the hours 0 to 9; the one of hour 4 holds a record of hour 3 as well.
  void put_files() {
    for (int hour = 0; hour < 10; ++hour) {
      put(key(hour, "a.jsonl"), (hour == 4 ? record(at(3, 59), 1000) : "") + record(at(hour, 1), hour) +
                                    record(at(hour, 2), 100 + hour));
    }
  }
  Adoption adoption(ObjectStore& in) {
    Adoption made({in, layout, clock, random});
    made.set_files_in_slot(3);
    return made;
  }
  Result<AdoptionPlan> plan(const Scope& scope = {}) {
    FoundOptions reading;
    reading.source_id = "default";
    return adoption(store).plan(scope, reading);
  }
  Result<AdoptionOutcome> carry_out(const AdoptionPlan& planned) {
    return adoption(store).carry_out(planned, "test:1", {}, nullptr);
  }
  AdoptionOutcome adopt(const Scope& scope = {}) { return value(carry_out(value(plan(scope)))); }

  // Everything that stands in the store but the ledger.
  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> out;
    for (const std::string& name : keys()) {
      if (!name.starts_with(layout.ledger_prefix())) out[name] = value(store.get(name));
    }
    return out;
  }
};

TEST_F(AdoptionTest, ListsWhatWasReadAndChangesNoFile) {
  put_files();
  const auto before = files();
  const AdoptionPlan planned = value(plan());
  EXPECT_EQ(planned.files.size(), 10U);
  EXPECT_TRUE(keys(layout.ledger_prefix()).empty()) << "a plan changes nothing";
  const AdoptionOutcome outcome = value(carry_out(planned));
  EXPECT_EQ(outcome.files, 10);
  EXPECT_EQ(outcome.records, 21);
  EXPECT_EQ(outcome.slots, 4);
  EXPECT_EQ(files(), before);
  const Catalog listed = catalog();
  EXPECT_TRUE(listed.problems().empty());
  EXPECT_EQ(listed.segments().size(), 10U);
  EXPECT_EQ(listed.hub(), nullptr);
  EXPECT_FALSE(listed.sealed_to().has_value());
  for (const ListedSegment& file : listed.segments()) {
    EXPECT_TRUE(file.adopted());
    EXPECT_EQ(file.facts.partition, kAdoptedPartition);
  }
  Scope hour;
  hour.time = {at(3, 0), at(4, 0)};
  EXPECT_EQ(listed.select(hour).size(), 2U) << "hour 3 has a record in the folder of hour 4";
  EXPECT_EQ(listed.cells(hour).at(0).digest.records, 3);
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, Verdict::kPass);
  EXPECT_EQ(report.adopted_checked, 10);
  EXPECT_EQ(report.records_checked, 21);
}

TEST_F(AdoptionTest, HoursAreCountedFromTheChain) {
  put_files();
  adopt();
  HourCatalog hours = value(HourCatalog::read(store, layout));
  ASSERT_EQ(hours.cells().size(), 10U);
  EXPECT_TRUE(hours.files_span_cells());
  std::int64_t records = 0;
  for (const HourCell& cell : hours.cells()) {
    records += cell.digest.records;
    const auto objects = value(hours.objects_of(cell));
    EXPECT_EQ(objects.size(), cell.hour == hour_of(at(3, 0)) ? 2U : 1U);
    EXPECT_FALSE(hours.is_sealed(cell.hour));
  }
  EXPECT_EQ(records, 21);
  EXPECT_EQ(value(hours.listings_of(hours.cells())).size(), 10U) << "each file once";
}

TEST_F(AdoptionTest, RunAgainItListsWhatIsNew) {
  put_files();
  Scope first;
  first.time = {at(0, 0), at(5, 0)};
  EXPECT_EQ(adopt(first).files, 5);
  EXPECT_EQ(adopt().files, 5);
  const AdoptionPlan none = value(plan());
  EXPECT_TRUE(none.files.empty());
  EXPECT_EQ(none.listed_already, 10);
  put(key(11, "b.json"), record(at(11, 1), 11));
  EXPECT_EQ(adopt().files, 1);
  EXPECT_EQ(catalog().segments().size(), 11U);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(AdoptionTest, ADamagedFileIsNotListed) {
  put_files();
  put(key(5, "cut.jsonl.gz"), std::string("\x1f\x8b\x08", 3));
  put(key(6, "no.jsonl"), "{}\n");
  put(key(7, "\xff.jsonl"), record(at(7, 1), 7));
  const AdoptionPlan planned = value(plan());
  EXPECT_EQ(planned.files.size(), 10U);
  ASSERT_EQ(planned.damaged.size(), 3U);
  EXPECT_EQ(planned.damaged[0].key, key(5, "cut.jsonl.gz"));
  // And one that is listed, and grew.
  value(carry_out(planned));
  store.corrupt(key(1, "a.jsonl"), record(at(1, 1), 1));
  EXPECT_EQ(value(plan()).damaged.size(), 4U);
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, Verdict::kFail);
}

TEST_F(AdoptionTest, AFileThatChangesBetweenPlanAndListingIsLeftOut) {
  put_files();
  const AdoptionPlan planned = value(plan());
  store.corrupt(key(2, "a.jsonl"), record(at(2, 1), 2) + record(at(2, 2), 777));
  ASSERT_OK(store.remove(key(3, "a.jsonl")));
  const AdoptionOutcome outcome = value(carry_out(planned));
  EXPECT_EQ(outcome.files, 8);
  EXPECT_EQ(outcome.changed.size(), 2U);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(AdoptionTest, TwoAtOnceListEachFileOnce) {
  put_files();
  const AdoptionPlan mine = value(plan());
  Scope some;
  some.time = {at(2, 0), at(6, 0)};
  const AdoptionPlan theirs = value(plan(some));
  // The other one comes between our reading of the chain and our first slot.
  bool came = false;
  FaultyStore racing(store, [&](StoreOperation operation, const std::string& name) {
    if (operation == StoreOperation::kPut && name.starts_with(layout.adopted_chain()) && !came) {
      came = true;
      EXPECT_EQ(value(carry_out(theirs)).files, 4);
    }
    return Fault::kNone;
  });
  const AdoptionOutcome outcome = value(adoption(racing).carry_out(mine, "test:2", {}, nullptr));
  EXPECT_TRUE(came);
  EXPECT_EQ(outcome.files, 6);
  EXPECT_EQ(outcome.by_others, 4);
  EXPECT_EQ(catalog().segments().size(), 10U);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(AdoptionTest, DamageOfTheChainIsSaidAndNothingIsWrittenBehindIt) {
  put_files();
  adopt();
  const std::string slot = layout.adopted_chain() + KeyLayout::slot_name(Slot(1));
  std::string bytes = value(store.get(slot));
  bytes[bytes.size() / 2] ^= 1;
  store.corrupt(slot, bytes);
  const Catalog listed = catalog();
  EXPECT_EQ(listed.segments().size(), 7U);
  ASSERT_EQ(listed.problems().size(), 1U);
  EXPECT_TRUE(listed.problems()[0].touches(hour_of(at(20, 0)))) << "it may have listed anything";
  EXPECT_EQ(verify().verdict, Verdict::kFail);
  put(key(11, "b.json"), record(at(11, 1), 11));
  EXPECT_ERROR(plan(), ErrorCode::kCorrupt);
  EXPECT_EQ(value(HourCatalog::read(store, layout)).problems().size(), 1U);
}

TEST_F(AdoptionTest, VerifySeesEveryFlippedByteOfAFile) {
  put_files();
  adopt();
  const std::string name = key(4, "a.jsonl");
  const std::string bytes = value(store.get(name));
  for (std::size_t i = 0; i < bytes.size(); i += 7) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    store.corrupt(name, flipped);
    EXPECT_EQ(verify().verdict, Verdict::kFail) << i;
  }
  store.corrupt(name, bytes);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

// --- beside an archiver ---

TEST_F(AdoptionTest, AnArchiveMayBeginBesideAdoptedFiles) {
  put_files();
  adopt();
  init();
  for (int i = 0; i < 20; ++i) hub.append(PartitionId(i % 2), event("shop", "orders", i), at(9, 30), false);
  value(archive(ArchiveMode::kOnceAndClose));
  EXPECT_EQ(catalog().segments().size(), 12U);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
  HourCatalog hours = value(HourCatalog::read(store, layout));
  EXPECT_EQ(*hours.sealed_from(), hour_of(at(9, 0))) << "adopted hours are never sealed";
  EXPECT_EQ(*hours.first_hour(), hour_of(at(0, 0)));
  const HourCell& both = hours.cells().back();
  EXPECT_EQ(both.hour, hour_of(at(9, 0)));
  EXPECT_EQ(both.digest.records, 22) << "the seal's and the adopted ones";
  EXPECT_EQ(value(hours.objects_of(both)).size(), 3U);
  // More can be adopted later, into sealed hours, too.
  put(key(9, "late.jsonl"), record(at(9, 3), 5000));
  EXPECT_EQ(adopt().files, 1);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(AdoptionTest, LeftoversOfAnArchiverAreNotAdopted) {
  init();
  for (int i = 0; i < 20; ++i) hub.append(PartitionId(0), event("shop", "orders", i), at(8, 30), false);
  value(archive());
  const SegmentName::Origin origin{PartitionId(0), Sequence(0), Sequence(4), Slot(0)};
  const std::string leftover = layout.segment({"shop", "orders"}, hour_of(at(8, 0)), origin);
  put(leftover, "left");
  put(key(8, "theirs.jsonl"), record(at(8, 1), 1));
  const AdoptionPlan planned = value(plan());
  ASSERT_EQ(planned.files.size(), 1U);
  EXPECT_EQ(planned.files[0].key, key(8, "theirs.jsonl"));
  EXPECT_EQ(planned.ours.size(), 2U) << "the listed segment and the leftover";
}

// Files of ours whose ledger is gone: adopted they keep their names, so no archiver may begin here, and
// nothing of them is a leftover.
TEST_F(AdoptionTest, WhereNamesOfOursAreAdoptedNoArchiveBegins) {
  init();
  for (int i = 0; i < 20; ++i) hub.append(PartitionId(0), event("shop", "orders", i), at(8, 30), false);
  value(archive());
  for (const std::string& name : keys(layout.ledger_prefix())) ASSERT_OK(store.remove(name));
  EXPECT_EQ(adopt().files, 1);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
  options.group = "another";  // the first one knows the archive that is gone
  const auto refused = init_archive(parts(), options);
  EXPECT_ERROR(refused, ErrorCode::kUsage);
  EXPECT_NE(refused.error().message.find("adopted"), std::string::npos);
  EXPECT_TRUE(value(find_leftovers(store, layout)).empty());
}

// --- deaths ---

struct Died {};

TEST_F(AdoptionTest, WhoeverDiesBeforeAnyCallLeavesWhatTheNextOneEnds) {
  int deaths = 0;
  for (bool died = true; died; ++deaths) {
    ASSERT_LT(deaths, 200);
    SCOPED_TRACE(deaths);
    for (const std::string& name : keys()) ASSERT_OK(store.remove(name));
    put_files();
    const auto before = files();
    const AdoptionPlan planned = value(plan());
    int calls = 0;
    FaultyStore dying(store, [&](StoreOperation, const std::string&) {
      if (calls++ == deaths) throw Died();
      return Fault::kNone;
    });
    died = false;
    try {
      value(adoption(dying).carry_out(planned, "test:1", {}, nullptr));
    } catch (const Died&) {
      died = true;
    }
    EXPECT_NE(verify().verdict, Verdict::kFail);
    adopt();
    EXPECT_EQ(catalog().segments().size(), 10U);
    EXPECT_EQ(verify().verdict, Verdict::kPass);
    EXPECT_EQ(files(), before);
  }
  EXPECT_GT(deaths, 8);
}

// The answer of a put is lost, and the slot stands there or does not.
TEST_F(AdoptionTest, LostAnswersListNothingTwice) {
  for (const Fault fault : {Fault::kFailAfter, Fault::kFailBefore}) {
    for (int at_put = 0; at_put < 4; ++at_put) {
      for (const std::string& name : keys()) ASSERT_OK(store.remove(name));
      put_files();
      const AdoptionPlan planned = value(plan());
      int puts = 0;
      FaultyStore faulty(store, [&](StoreOperation operation, const std::string&) {
        return operation == StoreOperation::kPut && puts++ == at_put ? fault : Fault::kNone;
      });
      const auto outcome = adoption(faulty).carry_out(planned, "test:1", {}, nullptr);
      if (!outcome) {
        EXPECT_EQ(outcome.error().code, ErrorCode::kUnreachable);
      }
      adopt();
      EXPECT_EQ(catalog().segments().size(), 10U);
      EXPECT_EQ(verify().verdict, Verdict::kPass);
    }
  }
}

// --- the format ---

// docs/formats/samples/adopted-v1.jsonl must be readable for ever.
TEST(AdoptedSample, IsReadForEver) {
  const auto path =
      std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/samples/adopted-v1.jsonl";
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path;
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const AdoptedSlot slot = value(decode_adopted(text, path.string()));
  EXPECT_EQ(slot.files.size(), 2U);
  EXPECT_EQ(encode_adopted(slot), text);
}

TEST(AdoptedSample, OtherThingsAreRefused) {
  AdoptedSlot slot;
  slot.header.owner = "host:1";
  slot.header.previous = kNoPrevious;
  slot.source_id = "default";
  const std::string good = encode_adopted(slot);
  EXPECT_EQ(value(decode_adopted(good, "x")), slot);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(decode_adopted(flipped, "x").has_value()) << i;
  }
  EXPECT_ERROR(decode_adopted(seal_json(Json{{"format", 2}, {"kind", "adopted"}}), "x"), ErrorCode::kUsage);
  EXPECT_ERROR(decode_adopted(seal_json(Json{{"format", 1}, {"kind", "claim"}}), "x"), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace changevault
