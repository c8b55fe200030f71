// Clocks that are wrong: the broker's goes back over hours or leaps a year ahead and comes back, ours is an
// hour behind or a day ahead or is set back while everything runs, the store's is another one. Times within a
// partition never go back, nothing comes late into a sealed hour, and every event is archived once.
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/support/archive_fixture.h"
#include "tests/support/clocked_store.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::ClockedStore;
using testing::event;
using testing::value;

#ifdef __SANITIZE_ADDRESS__
constexpr int kHistories = 20;
#else
constexpr int kHistories = 150;
#endif

class ClockWorld : public ArchiveFixture {
 public:
  explicit ClockWorld(std::uint64_t seed) : draws_(seed) {
    clock.set(at(9, 0));
    init();
  }

  std::string step() {
    switch (draw(6)) {
      case 0:
        return publish(Duration{0}, "on time");
      case 1:
        return publish(Duration{-draw(3 * 3'600'000)}, "from the past");
      case 2:
        return draw(4) == 0 ? publish(hours(24 * 365), "from next year") : publish(hours(draw(30)), "ahead");
      case 3:
        return move_clocks();
      case 4:
        return archive_as(ArchiveMode::kOnceAndClose);
      default:
        return archive_as(ArchiveMode::kOnce);
    }
  }

  // Whatever the clocks said: it is true, and stays so.
  void check() {
    const VerifyReport report = verify();
    EXPECT_NE(report.verdict, Verdict::kFail)
        << (report.problems.empty() ? "" : report.problems[0].key + ": " + report.problems[0].detail);
    const Catalog now = catalog();
    check_times(now);
    check_seals(now);
  }
  // Two days later all clocks are right, and there is something to archive in every partition.
  void settle() {
    true_now_ = true_now_ + hours(48);
    clock.set(true_now_);
    store_.off = {0};
    const Timestamp newest = true_now_;
    for (int p = 0; p < 2; ++p) hub.append(PartitionId(p), event("shop", "orders", published_++), newest);
    archive_as(ArchiveMode::kOnceAndClose);
    check();
    EXPECT_EQ(verify().verdict, Verdict::kPass);
    EXPECT_EQ(verify().records_checked, published_);
    EXPECT_GE(catalog().sealed_to().value_or(Hour{}), hour_of(newest));
  }
  int sealed() const { return static_cast<int>(cells_.size()); }

 private:
  int draw(int below) { return static_cast<int>(draws_() % static_cast<std::uint64_t>(below)); }

  // The broker stamps by its own clock, `off` from the true one.
  std::string publish(Duration off, const char* how) {
    const int events = 1 + draw(5);
    for (int i = 0; i < events; ++i) {
      const Timestamp stamp = true_now_ + off + seconds(i);
      hub.append(PartitionId(draw(2)), event("shop", draw(2) == 0 ? "orders" : "users", published_++), stamp,
                 draw(2) == 0);
    }
    pass(minutes(draw(50)));
    return fmt::format("{} {}", events, how);
  }

  void pass(Duration time) {
    true_now_ = true_now_ + time;
    clock.advance(time);
  }

  std::string move_clocks() {
    static const Duration kOffs[] = {Duration{0}, seconds(50), minutes(5), hours(-1), hours(24), hours(-24)};
    const Duration ours = kOffs[draw(6)];
    clock.set(true_now_ + ours);
    store_.has_clock = draw(3) != 0;
    // The store's counts from ours.
    store_.off = draw(2) == 0 ? Duration{-ours.ms} : kOffs[draw(6)];
    pass(minutes(draw(200)));
    return fmt::format("ours is {} s off", ours.ms / 1000);
  }

  std::string archive_as(ArchiveMode mode) {
    value(Archiver(parts_with(store_), options).run(mode, {}));
    pass(minutes(draw(10)));
    return mode == ArchiveMode::kOnce ? "archive" : "archive and close";
  }

  // By the ledger's facts, which verify holds to the records.
  static void check_times(const Catalog& now) {
    std::map<PartitionId, std::map<Sequence, const SegmentFacts*>> of_partition;
    for (const ListedSegment& s : now.segments()) of_partition[s.facts.partition][s.facts.first] = &s.facts;
    for (const auto& [partition, segments] : of_partition) {
      // Segments of one commit overlap in sequence, so only what ends before another begins is compared.
      for (const auto& [first, facts] : segments) {
        EXPECT_EQ(hour_of(facts->min_time), facts->hour);
        EXPECT_EQ(hour_of(facts->max_time), facts->hour);
        for (const auto& [later_first, later] : segments) {
          if (later_first <= facts->last) continue;
          EXPECT_LE(facts->max_time, later->min_time) << facts->key;
        }
      }
    }
  }

  // What was said of an hour once is said of it for ever.
  void check_seals(const Catalog& now) {
    std::optional<Hour> end;
    for (const SealEntry& seal : now.seals()) {
      EXPECT_EQ(seal.from, end.value_or(seal.from));
      end = seal.to;
      for (const SealedCell& cell : seal.cells) {
        const auto known = cells_.try_emplace({cell.hour, cell.ns}, cell).first;
        EXPECT_EQ(known->second, cell);
      }
    }
    EXPECT_GE(end.value_or(Hour{}), sealed_to_.value_or(Hour{}));
    for (const auto& [place, cell] : cells_) EXPECT_LT(place.first, end.value_or(Hour{}));
    for (const ListedSegment& s : now.segments()) {
      if (!sealed_to_ || s.facts.hour >= *sealed_to_) continue;
      EXPECT_TRUE(cells_.contains({s.facts.hour, s.facts.ns})) << s.facts.key << " came late";
    }
    sealed_to_ = end;
  }

  std::mt19937_64 draws_;
  ClockedStore store_{store, clock};
  Timestamp true_now_ = at(9, 0);
  int published_ = 0;
  std::map<std::pair<Hour, Namespace>, SealedCell> cells_;
  std::optional<Hour> sealed_to_;
};

int live_through(std::uint64_t seed) {
  std::string history = fmt::format("CHANGEVAULT_TEST_SEED={}: ", seed);
  ClockWorld world(seed);
  for (int i = 0; i < 30 && !::testing::Test::HasFailure(); ++i) {
    history += world.step() + " > ";
    world.check();
  }
  if (!::testing::Test::HasFailure()) world.settle();
  EXPECT_FALSE(::testing::Test::HasFailure()) << history;
  return world.sealed();
}

TEST(ClocksProperty, WrongClocksCostNoTruth) {
  int sealed = 0;
  if (const char* const seed = std::getenv("CHANGEVAULT_TEST_SEED")) {
    live_through(std::stoull(seed));
    return;
  }
  std::random_device entropy;
  for (int i = 0; i < kHistories && !HasFailure(); ++i) sealed += live_through(entropy() % 1'000'000'000);
  EXPECT_TRUE(HasFailure() || sealed > kHistories) << sealed;
}

}  // namespace
}  // namespace changevault
