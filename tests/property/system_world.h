// The whole system in memory, with everything that may happen to it, beside an oracle that knows what was
// published.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "archive/archiver.h"
#include "archive/catalog.h"
#include "archive/hour_catalog.h"
#include "archive/resume_point.h"
#include "archive/segment_feed.h"
#include "archive/verify.h"
#include "base/manual_clock.h"
#include "hub/memory/memory_hub.h"
#include "load/loader.h"
#include "recovery/coverage.h"
#include "recovery/executor.h"
#include "recovery/plan.h"
#include "store/faulty_store.h"
#include "store/memory/memory_store.h"
#include "tests/support/archive_fixture.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault::testing {

class SystemWorld {
 public:
  static constexpr int kPartitions = 2;

  explicit SystemWorld(std::uint64_t seed) : dice_(seed), warehouse_(f_.clock) {
    f_.clock.set(at(8, 0));
    f_.options.upload_threads = 1;  // so that a death is an exception of this thread
    f_.options.flush_interval = seconds(20);
    f_.init();
    EXPECT_OK(warehouse_.prepare());
  }

  // One of the things that happen, and its name.
  std::string step() {
    struct Action {
      const char* name;
      int weight;
      void (SystemWorld::*act)();
    };
    static constexpr Action kActions[] = {
        {"publish", 30, &SystemWorld::publish},
        {"time passes", 12, &SystemWorld::pass_time},
        {"archive", 16, &SystemWorld::archive},
        {"archive and die", 16, &SystemWorld::archive_and_die},
        {"archive beside another owner", 10, &SystemWorld::archive_beside_another},
        {"close", 2, &SystemWorld::close},
        {"load", 10, &SystemWorld::load},
        {"load and die", 6, &SystemWorld::load_and_die},
        {"the warehouse loses rows", 6, &SystemWorld::lose_rows},
        {"recover gaps", 4, &SystemWorld::recover_gaps},
        {"recover and die", 4, &SystemWorld::recover_and_die},
        {"the hub deletes old events", 3, &SystemWorld::trim},
        {"the hub is replaced", 1, &SystemWorld::replace_hub}};
    int all = 0;
    for (const Action& action : kActions) all += action.weight;
    int drawn = roll(all);
    for (const Action& action : kActions) {
      drawn -= action.weight;
      if (drawn >= 0) continue;
      (this->*action.act)();
      return action.name;
    }
    return "nothing";
  }

  // What the ledger lists is sound at any time: each event of the hub stands in it at most once, and none
  // that it has passed over is missing.
  void check_archive() {
    if (!hub_fits_) return;
    const VerifyReport report = f_.verify();
    ASSERT_TRUE(report.problems.empty())
        << report.problems[0].kind << " " << report.problems[0].key << ": " << report.problems[0].detail;
    const Catalog catalog = f_.catalog();
    std::map<Position, int> seen = listed_positions(catalog);
    for (const auto& [position, times] : seen) ASSERT_EQ(times, 1) << describe(position);
    std::vector<ResumePoint> points;
    for (int p = 0; p < kPartitions; ++p) {
      Chain chain(f_.store, f_.layout.partition_chain(PartitionId(p)));
      points.push_back(value(read_resume_point(chain, Slot(0))));
    }
    for (const Published& event : published_) {
      const ResumePoint& point = points[static_cast<std::size_t>(event.at.partition)];
      const bool older_life = point.next && event.at.epoch < point.epoch.value;
      const bool behind_us = older_life || (point.next && event.at.epoch == point.epoch.value &&
                                            event.at.sequence < point.next->value);
      if (!behind_us || seen.contains(event.at) || event.excused) continue;
      FAIL() << "passed over: " << describe(event.at) << "\n" << ledger_text();
    }
  }

  // Everything is brought to its end without further faults: then the warehouse holds every archived event
  // once.
  void settle() {
    f_.clock.advance(hours(3));
    ASSERT_NO_FATAL_FAILURE(archive());
    f_.clock.advance(hours(2));
    ASSERT_NO_FATAL_FAILURE(archive());
    ASSERT_NO_FATAL_FAILURE(load());
    ASSERT_NO_FATAL_FAILURE(recover_gaps());
    check_archive();
    std::set<std::string> expected = archived_ids();
    std::map<std::string, int> rows;
    for (const auto& row : warehouse_.rows()) ++rows[row.event_id];
    for (const auto& [id, times] : rows) {
      ASSERT_EQ(times, 1) << "twice in the warehouse: " << id;
      ASSERT_TRUE(expected.contains(id)) << "in the warehouse, not in the archive: " << id;
    }
    for (const std::string& id : expected) ASSERT_TRUE(rows.contains(id)) << "not in the warehouse: " << id;
    const Coverage after = gaps();
    for (const GapCell& cell : after.cells)
      ASSERT_TRUE(!is_gap(cell.state) || cell.state == GapState::kLost)
          << name(cell.state) << " " << to_string(cell.hour);
    ASSERT_EQ(plan_of(nullptr).new_rows(), 0);
    for (const Published& event : published_) {
      if (event.at.epoch != epoch_ || !event.valid || event.excused) continue;
      ASSERT_TRUE(rows.contains(event.id)) << "published, not in the warehouse: " << describe(event.at);
    }
  }

  int deaths() const { return deaths_; }

 private:
  struct Died {};
  struct Position {
    std::int64_t epoch;
    std::int32_t partition;
    std::int64_t sequence;
    auto operator<=>(const Position&) const = default;
  };
  struct Published {
    Position at;
    std::string id;
    bool valid = true;     // a change event
    bool excused = false;  // the hub deleted it before it was archived
  };
  static std::string describe(const Position& p) {
    return "epoch " + std::to_string(p.epoch) + " partition " + std::to_string(p.partition) + " sequence " +
           std::to_string(p.sequence);
  }

  // Every slot of the ledger, for a failure's message.
  std::string ledger_text() {
    std::string out;
    for (const std::string& key : f_.keys(f_.layout.ledger_prefix())) {
      out += key.substr(key.size() - 25) + " " + value(f_.store.get(key)).substr(0, 700) + "\n";
    }
    return out;
  }

  int roll(int below) { return static_cast<int>(dice_() % static_cast<std::uint64_t>(below)); }

  void publish() {
    for (int n = 1 + roll(6); n > 0; --n) {
      const PartitionId partition(roll(kPartitions));
      const bool valid = roll(20) != 0;
      // A producer's retry: the same event again.
      const int number = number_ > 0 && roll(10) == 0 ? roll(number_) : number_++;
      const std::string payload = valid ? event("shop", "c" + std::to_string(number % 3), number)
                                        : "broken " + std::to_string(number);
      const std::string id =
          valid ? to_string(EventId::of_token("default", "8267" + std::to_string(100000 + number))) : "";
      const Timestamp time = f_.clock.now() - seconds(roll(90));
      const Sequence sequence = f_.hub.append(partition, payload, time);
      published_.push_back({{epoch_, partition.value, sequence.value}, id, valid});
    }
  }

  void pass_time() { f_.clock.advance(minutes(1 + roll(50))); }

  ArchiverOptions options() {
    ArchiverOptions out = f_.options;
    out.accept_loss = true;
    out.new_epoch = !hub_fits_;
    return out;
  }

  Result<ArchiveTotals> run(ObjectStore& store, ArchiveMode mode) {
    const ArchiverOptions first = options();
    Result<ArchiveTotals> ran = Archiver(f_.parts_with(store), first).run(mode, {});
    // Another run, or one that died, may have written the new epoch down already.
    if (!ran && ran.error().code == ErrorCode::kUsage && first.new_epoch) {
      hub_fits_ = true;
      ran = Archiver(f_.parts_with(store), options()).run(mode, {});
    }
    if (ran) hub_fits_ = true;
    follow_the_epoch();
    return ran;
  }

  // A run that died may have written the new epoch down; the word said again begins another one where nothing
  // shows that the hub still is the same. Then what the first of them did not list belongs to the second.
  void follow_the_epoch() {
    const Catalog catalog = f_.catalog();
    const HubEntry* const hub = catalog.hub();
    if (hub == nullptr || hub->epoch.value <= epoch_) return;
    const std::map<Position, int> listed = listed_positions(catalog);
    for (Published& event : published_) {
      Position next = event.at;
      next.epoch = hub->epoch.value;
      if (event.at.epoch == epoch_ && !event.excused && !listed.contains(event.at)) event.at = next;
    }
    epoch_ = hub->epoch.value;
  }

  void archive() { ASSERT_OK(run(f_.store, ArchiveMode::kOnce)); }
  void close() { ASSERT_OK(run(f_.store, ArchiveMode::kOnceAndClose)); }

  // The process ends at some request, which had its effect, or had not, or failed and was tried again.
  void archive_and_die() {
    dying([&](ObjectStore& store) { ignore_error(run(store, ArchiveMode::kOnce), "it is made to fail"); });
  }

  template <typename Act>
  void dying(Act&& act) {
    std::atomic<int> left = roll(40);
    const Fault fault = roll(2) == 0 ? Fault::kFailBefore : Fault::kFailAfter;
    const bool dies = roll(4) != 0;
    const std::thread::id self = std::this_thread::get_id();
    FaultyStore store(f_.store, [&](StoreOperation, const std::string&) {
      const int now = left--;
      if (now < 0 && dies && std::this_thread::get_id() == self) throw Died();
      // The threads that read ahead for a process that dies get no answers any more.
      if (now < 0 && dies) return Fault::kFailBefore;
      return now == 0 ? fault : Fault::kNone;
    });
    try {
      act(store);
    } catch (const Died&) {
      ++deaths_;
    }
  }

  // A paused owner: at some request of it another one archives everything, and then it goes on.
  void archive_beside_another() {
    int left = roll(30);
    FaultyStore store(f_.store, [&](StoreOperation, const std::string&) {
      if (left-- == 0) {
        if (roll(2) == 0) publish();
        EXPECT_OK(run(f_.store, ArchiveMode::kOnce));
      }
      return Fault::kNone;
    });
    ASSERT_OK(run(store, ArchiveMode::kOnce));
  }

  Result<LoadTotals> load_from(ObjectStore& store) {
    return Loader(store, f_.layout, warehouse_, f_.clock, {.batch_text_bytes = 4000}).run(true, {});
  }
  void load() { ASSERT_OK(load_from(f_.store)); }
  void load_and_die() {
    dying([&](ObjectStore& store) { ignore_error(load_from(store), "it is made to fail"); });
  }

  void lose_rows() {
    std::vector<MemoryWarehouse::Row> rows = warehouse_.rows();
    const int keep = roll(3);
    const Hour hour = hour_of(f_.clock.now() - hours(roll(3)));
    std::erase_if(
        rows, [&](const auto& row) { return keep == 0 ? hour_of(row.enqueued_time) == hour : roll(4) == 0; });
    warehouse_.set_rows(std::move(rows));
  }

  Coverage gaps() {
    HourCatalog catalog = value(HourCatalog::read(f_.store, f_.layout));
    Scope scope;
    scope.time = {at(0, 0), f_.clock.now() + hours(2)};
    Scope everything;
    SegmentFeed feed(f_.store, everything);
    CoverageOptions options;
    options.now = f_.clock.now();
    options.load_grace = seconds(0);
    return value(find_gaps(scope, archive_side(catalog), warehouse_, feed, options));
  }

  RecoveryPlan plan_of(const Coverage* gaps) {
    const Catalog catalog = f_.catalog();
    RecoverableSegments missing;
    if (gaps != nullptr) {
      HourCatalog hours = value(HourCatalog::read(f_.store, f_.layout));
      missing = value(segments_to_recover(hours, *gaps));
      EXPECT_TRUE(missing.left_out.empty());
    }
    PlanRequest request;
    request.id = make_recovery_id(f_.clock.now(), f_.random);
    if (gaps == nullptr) request.segments = catalog.select(request.scope);
    for (const ListedSegment& segment : missing.segments) request.segments.push_back(&segment);
    request.now = f_.clock.now();
    request.actor = {"user", "host", "test"};
    SegmentFeed feed(f_.store, request.scope);
    return value(make_plan(request, feed, warehouse_, nullptr));
  }

  void recover_gaps() {
    if (f_.catalog().segments().empty()) return;
    const Coverage found = gaps();
    const RecoveryPlan plan = plan_of(&found);
    if (plan.segments.empty()) return;
    Executor executor({f_.store, f_.layout, warehouse_, f_.clock, f_.random});
    const RecoveryResult result = value(executor.run(plan, {}));
    ASSERT_EQ(result.state, RecoveryState::kDone);
    ASSERT_EQ(result.inserted, plan.new_rows());
    const Coverage after = gaps();
    for (const GapCell& cell : after.cells) ASSERT_FALSE(is_recoverable(cell.state)) << to_string(cell.hour);
  }

  void recover_and_die() {
    if (f_.catalog().segments().empty()) return;
    const RecoveryPlan plan = plan_of(nullptr);
    if (plan.segments.empty()) return;
    dying([&](ObjectStore& store) {
      Executor executor({store, f_.layout, warehouse_, f_.clock, f_.random});
      ignore_error(executor.run(plan, {}), "it is made to fail");
    });
    if (roll(2) == 0) return;
    Executor executor({f_.store, f_.layout, warehouse_, f_.clock, f_.random});
    ignore_error(executor.resume(plan.id, plan.actor, {}), "it may have ended, or never begun");
  }

  void trim() {
    const PartitionId partition(roll(kPartitions));
    const PartitionBounds bounds = value(f_.hub.bounds())[static_cast<std::size_t>(partition.value)];
    const std::int64_t held = bounds.next.value - bounds.first.value;
    if (held == 0) return;
    const Sequence first = bounds.first.next(roll(static_cast<int>(held) + 1));
    f_.hub.trim(partition, first);
    for (Published& event : published_) {
      if (event.at.epoch == epoch_ && event.at.partition == partition.value &&
          event.at.sequence < first.value)
        event.excused = event.excused || !is_archived(event.at);
    }
  }

  void replace_hub() {
    if (!hub_fits_) return;  // epochs count the hubs that were archived
    for (Published& event : published_) event.excused = event.excused || !is_archived(event.at);
    f_.hub.replace("hub " + std::to_string(++hubs_));
    ++epoch_;
    hub_fits_ = false;
  }

  bool is_archived(const Position& position) { return listed_positions(f_.catalog()).contains(position); }

  // Where each record and dead letter of the archive came from, read from the bytes; and lost ranges.
  std::map<Position, int> listed_positions(const Catalog& catalog) {
    std::map<Position, int> seen;
    Scope everything;
    SegmentFeed feed(f_.store, everything);
    for (const ListedSegment& segment : catalog.segments()) {
      const SegmentFacts& facts = segment.facts;
      EXPECT_OK(feed.read({facts.key, facts.sha256, facts.partition, segment.slot, facts.records},
                          [&](const RecordView& record) -> Result<void> {
                            ++seen[{segment.epoch.value, facts.partition.value, *record.sequence_number}];
                            return {};
                          }));
    }
    // Dead letters hold whatever was no event; their ranges are dense enough here to be told by what was
    // published.
    for (const ListedSegment& object : catalog.dead_letters()) {
      for (const Published& event : published_) {
        if (!event.valid && event.at.epoch == object.epoch.value &&
            event.at.partition == object.facts.partition.value &&
            object.facts.first.value <= event.at.sequence && event.at.sequence <= object.facts.last.value)
          ++seen[event.at];
      }
    }
    for (const LostRange& lost : catalog.lost()) {
      for (std::int64_t s = lost.entry.first.value; s <= lost.entry.last.value; ++s)
        ++seen[{lost.entry.epoch.value, lost.partition.value, s}];
    }
    return seen;
  }

  std::set<std::string> archived_ids() {
    std::set<std::string> ids;
    const std::map<Position, int> seen = listed_positions(f_.catalog());
    for (const Published& event : published_) {
      if (event.valid && !event.excused && seen.contains(event.at)) ids.insert(event.id);
    }
    return ids;
  }

  std::mt19937_64 dice_;
  ArchiveFixture f_;
  MemoryWarehouse warehouse_;
  std::vector<Published> published_;
  std::int64_t epoch_ = 0;  // of the hub that is there
  int hubs_ = 0;
  bool hub_fits_ = true;
  int number_ = 0;
  int deaths_ = 0;
};

}  // namespace changevault::testing
