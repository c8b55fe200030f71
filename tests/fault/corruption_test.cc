// Damage of any kind to any object of an archive, thousands of times: it is named, nothing green is said that
// is not true, nothing damaged reaches the warehouse, and once the bytes are back every event is there once.
//
// CHANGEVAULT_TEST_SEED=n CHANGEVAULT_TEST_CASES=1 repeats a case.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/fault/corruption_world.h"

namespace changevault {
namespace {

using testing::CorruptionWorld;
using testing::Damage;
using testing::GapStates;
using testing::kind_of;
using testing::value;

// Under a sanitizer a case takes twenty times as long.
#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kCases = 300;
#else
constexpr std::uint64_t kCases = 1'600;
#endif

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

struct Tally {
  int tried = 0;
  int named = 0;
  int silent = 0;  // removed from the end, where nothing speaks of it
};

bool names(const VerifyReport& report, const std::string& key) {
  return std::any_of(report.problems.begin(), report.problems.end(),
                     [&](const VerifyProblem& p) { return p.key == key; });
}

bool is_green(GapState state) {
  return state == GapState::kOk || state == GapState::kQuiet || state == GapState::kAcknowledged ||
         state == GapState::kUnsealed;
}

class Corruption : public ::testing::Test {
 protected:
  void check_verify(const Damage& damage, MemoryStore& store) {
    const VerifyReport report = value(verify_archive(store, world_.layout, {}, nullptr, {}));
    Tally& tally = tally_[kind_of(world_.layout, damage.key)];
    ++tally.tried;
    if (names(report, damage.key)) {
      EXPECT_EQ(report.verdict, Verdict::kFail);
      ++tally.named;
      return;
    }
    // A slot that nothing builds on: what it listed is a leftover then, no hour of it is sealed.
    ++tally.silent;
    EXPECT_TRUE(damage.removed && is_newest_slot(damage.key)) << "not named";
  }
  bool is_newest_slot(const std::string& key) const {
    const std::string kind = kind_of(world_.layout, key);
    return kind != "segment" && kind != "dead letters" && kind != "plan" && world_.is_newest(key);
  }

  // Nothing is green that was not, unless it is said that not all could be known.
  void check_gaps(const Damage& damage, MemoryStore& store) {
    const Result<Coverage> found = world_.gaps_of(store);
    if (!found || found->uncertain()) return;
    const GapStates now = CorruptionWorld::states(*found);
    for (const auto& [place, state] : world_.truth()) {
      const auto seen = now.find(place);
      const bool green = seen == now.end() || is_green(seen->second);
      // An acknowledgement that is gone makes it red again; the end of the ledger taken away unseals hours.
      const bool open_end = damage.removed && is_newest_slot(damage.key);
      if (!green || is_green(state) || open_end) continue;
      ADD_FAILURE() << to_string(place.first) << " " << to_string(place.second) << " is " << name(state)
                    << ", now " << (seen == now.end() ? "not there" : name(seen->second));
    }
    EXPECT_TRUE(found->range.from < found->range.to);
  }

  void check_recover(MemoryStore& store) {
    const auto warehouse = world_.lossy();
    const std::size_t before = warehouse->rows().size();
    const Result<RecoveryResult> done = world_.recover(store, *warehouse);
    world_.expect_true_rows(*warehouse);
    const auto inserted = static_cast<std::int64_t>(warehouse->rows().size() - before);
    if (done && done->state == RecoveryState::kDone) {
      ++recovered_;
      EXPECT_EQ(done->inserted, inserted);
      EXPECT_EQ(done->expected, done->inserted + done->already_present);
    } else if (!done) {
      EXPECT_EQ(inserted, 0) << done.error().to_string();
    }
    ignore_error(world_.load(store, *warehouse), "a damaged segment or slot is an error, the rest is loaded");
    world_.expect_true_rows(*warehouse);
  }

  // The archiver goes on, or does not; then the bytes are put back as they were.
  void check_archive(const Damage& damage, MemoryStore& store) {
    const auto archive = [&] { return world_.archive_with(store, ArchiveMode::kOnceAndClose); };
    const std::vector<std::string> chain_before = chain_of(damage.key, store);
    const bool went_on = archive().has_value();
    archived_ += went_on ? 1 : 0;
    // A chain whose end is damaged is not written to.
    if (!went_on && !damage.removed && is_newest_slot(damage.key)) {
      EXPECT_EQ(chain_of(damage.key, store), chain_before);
    }
    const std::string& bytes = world_.whole().at(damage.key);
    if (store.head(damage.key)) {
      // Where a slot was taken away from the end another one may stand by now, and be right.
      if (!damage.removed) store.corrupt(damage.key, bytes);
    } else {
      value(store.put_if_absent(damage.key, bytes));
    }
    const Result<ArchiveTotals> mended = archive();
    ASSERT_TRUE(mended.has_value()) << mended.error().to_string();
    const VerifyReport report = value(verify_archive(store, world_.layout, {}, nullptr, {}));
    EXPECT_EQ(report.verdict, Verdict::kPass)
        << (report.problems.empty() ? report.reason
                                    : report.problems[0].key + ": " + report.problems[0].detail);
    EXPECT_EQ(report.records_checked, 130);
    MemoryWarehouse warehouse(world_.clock);
    ASSERT_OK(warehouse.prepare());
    const LoadTotals loaded = value(world_.load(store, warehouse));
    EXPECT_EQ(loaded.inserted, 130);
    EXPECT_EQ(loaded.already_present, 0) << "an event is listed twice";
  }

  static std::vector<std::string> chain_of(const std::string& key, MemoryStore& store) {
    std::vector<std::string> out;
    EXPECT_OK(for_each_object(store, key.substr(0, key.rfind('/') + 1),
                              [&](const ObjectInfo& info) -> Result<void> {
                                out.push_back(info.key);
                                return {};
                              }));
    return out;
  }

  CorruptionWorld world_;
  std::map<std::string, Tally> tally_;
  int recovered_ = 0;
  int archived_ = 0;
};

TEST_F(Corruption, IsNamedAndCostsNoTruth) {
  ASSERT_FALSE(HasFailure());
  std::random_device entropy;
  const std::uint64_t seed = from_environment("CHANGEVAULT_TEST_SEED", entropy() % 1'000'000'000);
  const std::uint64_t cases = from_environment("CHANGEVAULT_TEST_CASES", kCases);
  for (std::uint64_t i = 0; i < cases && !HasFailure(); ++i) {
    std::mt19937_64 random(seed + i);
    const Damage damage = world_.draw(random);
    if (!damage.removed && damage.bytes == world_.whole().at(damage.key)) continue;
    SCOPED_TRACE(fmt::format("CHANGEVAULT_TEST_CASES=1 CHANGEVAULT_TEST_SEED={}: {}: {}", seed + i,
                             damage.key, damage.how));
    const auto store = world_.damaged(damage);
    check_verify(damage, *store);
    check_gaps(damage, *store);
    if (cases == 1 || i % 4 == 0) check_recover(*world_.damaged(damage));
    if (cases == 1 || i % 4 == 2) check_archive(damage, *store);
  }
  std::string text;
  for (const auto& [kind, tally] : tally_)
    text += fmt::format("  {}: {} tried, {} named, {} removed from an end\n", kind, tally.tried, tally.named,
                        tally.silent);
  fmt::print("{}  {} recoveries done, {} archivers went on\n", text, recovered_, archived_);
  if (HasFailure() || cases < 100) return;
  EXPECT_EQ(tally_.size(), 8U) << "a kind of object is missing";
  for (const auto& [kind, tally] : tally_) EXPECT_GT(tally.named, 0) << kind;
  EXPECT_GT(recovered_, 0);
  EXPECT_GT(archived_, 0);
}

}  // namespace
}  // namespace changevault
