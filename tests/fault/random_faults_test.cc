// Hub, store and warehouse fail at random together: requests that never arrive, answers that are lost,
// halves, wrong answers, slow ones, deaths. Whatever was told to whom, at the end every event is archived
// once and loaded once.
#include <cstdlib>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "hub/faulty_hub.h"
#include "load/loader.h"
#include "store/faulty_store.h"
#include "tests/fault/recover_gaps.h"
#include "tests/support/archive_fixture.h"
#include "warehouse/faulty_warehouse.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::recover_gaps;
using testing::value;

#ifdef __SANITIZE_ADDRESS__
constexpr int kHistories = 10;
#else
constexpr int kHistories = 100;
#endif

class FaultyWorld : public ArchiveFixture {
 public:
  explicit FaultyWorld(std::uint64_t seed) : draws_(seed), faults_(seed, clock, RandomFaults::Odds::all(6)) {
    clock.set(at(8, 0));
    init();
    EXPECT_OK(warehouse_.prepare());
  }

  void step() {
    publish();
    attempt([&] { return archive_with_faults(); });
    attempt([&] { return load(dying_store_, dying_warehouse_); });
    if (draws_() % 3 == 0) lose_rows();
    attempt([&] { return recover(dying_store_, dying_warehouse_); });
    clock.advance(minutes(20));
  }

  // Nothing fails any more.
  void settle() {
    faults_.calm();
    value(archive(ArchiveMode::kOnceAndClose));
    const VerifyReport report = verify();
    EXPECT_EQ(report.verdict, Verdict::kPass)
        << (report.problems.empty() ? report.reason
                                    : report.problems[0].key + ": " + report.problems[0].detail);
    EXPECT_EQ(report.records_checked, published_);
    value(load(store, warehouse_));
    value(recover(store, warehouse_));
    std::set<std::string> ids;
    for (const MemoryWarehouse::Row& row : warehouse_.rows()) ids.insert(row.event_id);
    EXPECT_EQ(static_cast<int>(ids.size()), published_);
    EXPECT_EQ(warehouse_.rows().size(), ids.size()) << "a row stands there twice";
  }

  std::int64_t mishaps() const {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < kMishaps; ++i) sum += faults_.count(static_cast<Mishap>(i));
    return sum;
  }
  int done() const { return done_; }

 private:
  void publish() {
    const int events = 1 + static_cast<int>(draws_() % 12);
    for (int i = 0; i < events; ++i, ++published_)
      hub.append(PartitionId(published_ % 2),
                 event("shop", published_ % 3 == 0 ? "orders" : "users", published_), clock.now(), true);
  }

  // An error is an answer; a death is one too.
  template <typename Work>
  void attempt(Work work) {
    try {
      done_ += work().has_value() ? 1 : 0;
    } catch (const RandomFaults::Crash&) {
    }
    faults_.revive();
  }

  Result<ArchiveTotals> archive_with_faults() {
    return Archiver({dying_hub_, dying_store_, layout, clock, random}, options).run(ArchiveMode::kOnce, {});
  }
  Result<LoadTotals> load(ObjectStore& from, Warehouse& into) {
    return Loader(from, layout, into, clock, {}).run(true, {});
  }
  Result<RecoveryResult> recover(ObjectStore& from, Warehouse& into) {
    CV_ASSIGN(HourCatalog catalog, HourCatalog::read(from, layout));
    SegmentFeed feed(from, everything_);
    CoverageOptions with;
    with.now = clock.now();
    with.load_grace = Duration{0};
    CV_ASSIGN(const Coverage gaps, find_gaps({}, archive_side(catalog), into, feed, with));
    return recover_gaps({from, layout, into, clock, random}, catalog, gaps);
  }
  void lose_rows() {
    std::vector<MemoryWarehouse::Row> rows = warehouse_.rows();
    std::erase_if(rows, [&](const MemoryWarehouse::Row&) { return draws_() % 5 == 0; });
    warehouse_.set_rows(std::move(rows));
  }

  // A store has no halves of what is created at once: no slot is ever cut. Segments are, to see that it is
  // found.
  Fault of_the_store(StoreOperation operation, const std::string& key) {
    const Fault fault = faults_.next();
    const bool half_a_slot = operation == StoreOperation::kPut && key.ends_with(".json");
    return fault == Fault::kPartial && half_a_slot ? Fault::kFailBefore : fault;
  }

  std::mt19937_64 draws_;
  RandomFaults faults_;
  MemoryWarehouse warehouse_{clock};
  FaultyHub dying_hub_{hub, [this](HubOperation, const std::string&) { return faults_.next(); }};
  FaultyStore dying_store_{store, [this](StoreOperation operation, const std::string& key) {
                             return of_the_store(operation, key);
                           }};
  FaultyWarehouse dying_warehouse_{warehouse_,
                                   [this](WarehouseOperation, const std::string&) { return faults_.next(); }};
  Scope everything_;
  int published_ = 0;
  int done_ = 0;
};

// Histories that once went wrong.
constexpr std::uint64_t kFoundSeeds[] = {287181421};

TEST(RandomFaultsOfAllThree, CostNothing) {
  const char* const given = std::getenv("CHANGEVAULT_TEST_SEED");
  std::random_device entropy;
  std::vector<std::uint64_t> seeds(std::begin(kFoundSeeds), std::end(kFoundSeeds));
  while (seeds.size() < kHistories) seeds.push_back(entropy() % 1'000'000'000);
  if (given != nullptr) seeds = {std::stoull(given)};
  std::int64_t mishaps = 0;
  int done = 0;
  for (const std::uint64_t seed : seeds) {
    if (HasFailure()) break;
    SCOPED_TRACE(fmt::format("CHANGEVAULT_TEST_SEED={}", seed));
    FaultyWorld world(seed);
    for (int step = 0; step < 12; ++step) world.step();
    world.settle();
    mishaps += world.mishaps();
    done += world.done();
  }
  fmt::print("  {} faults, {} works done in spite of them\n", mishaps, done);
  EXPECT_GT(mishaps, given != nullptr ? 0 : 10 * kHistories);
  EXPECT_GT(done, 0);
}

}  // namespace
}  // namespace changevault
