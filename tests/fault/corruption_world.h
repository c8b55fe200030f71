// An archive with everything in it that an archive can hold, and one damage to it at a time.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "archive/hour_catalog.h"
#include "archive/repair.h"
#include "archive/segment_feed.h"
#include "load/loader.h"
#include "recovery/acks.h"
#include "recovery/coverage.h"
#include "recovery/executor.h"
#include "tests/fault/recover_gaps.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/temp_dir.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault::testing {

inline const char* kind_of(const KeyLayout& layout, const std::string& key) {
  if (key.starts_with(layout.seal_chain())) return "seal";
  if (key.starts_with(layout.ack_chain())) return "ack";
  if (key.starts_with(layout.repair_chain())) return "repair";
  if (key.starts_with(layout.recoveries_prefix())) return key.ends_with("plan.json") ? "plan" : "journal";
  if (key.starts_with(layout.ledger_prefix())) return "slot";
  return key.find("/_deadletter/") != std::string::npos ? "dead letters" : "segment";
}

using Objects = std::map<std::string, std::string>;

// One object that is not what it was.
struct Damage {
  std::string key;
  std::string how;
  std::string bytes;
  bool removed = false;
};

// What stands where, in words: hour, collection -> state.
using GapStates = std::map<std::pair<Hour, Namespace>, GapState>;

class CorruptionWorld : public ArchiveFixture {
 public:
  CorruptionWorld() {
    options.segment.block_text_bytes = 2'000;
    init();
    make_archive();
    make_records();
    whole_ = objects();
    for (const auto& [key, bytes] : whole_) by_kind_[kind_of(layout, key)].push_back(key);
    truth_ = states(value(gaps_of(store)));
    // Not archived yet: what a damaged archive is given to do.
    append(110, 130, 13);
  }

  const Objects& whole() const { return whole_; }
  const std::map<std::string, std::vector<std::string>>& by_kind() const { return by_kind_; }
  const GapStates& truth() const { return truth_; }

  // Kinds take turns, so that the few objects of one are damaged as often as the many of another.
  Damage draw(std::mt19937_64& draws) const {
    auto kind = by_kind_.begin();
    std::advance(kind, static_cast<std::ptrdiff_t>(draws() % by_kind_.size()));
    Damage out;
    out.key = kind->second[draws() % kind->second.size()];
    out.bytes = whole_.at(out.key);
    const std::size_t place = draws() % out.bytes.size();
    switch (draws() % 8) {
      case 0:
        out.how = "cut at " + std::to_string(place);
        out.bytes.resize(place);
        break;
      case 1: {
        const std::size_t length = std::min<std::size_t>(1 + draws() % 64, out.bytes.size() - place);
        out.how = std::to_string(length) + " zeros at " + std::to_string(place);
        out.bytes.replace(place, length, length, '\0');
        break;
      }
      case 2:
        out.how = "removed";
        out.removed = true;
        break;
      case 3: {
        const std::string& other = kind->second[draws() % kind->second.size()];
        out.how = "the bytes of " + other;
        out.bytes = whole_.at(other);
        if (other == out.key) out.bytes += '\n';
        break;
      }
      case 4:
        out.how = "emptied";
        out.bytes.clear();
        break;
      case 5:
        out.how = "nothing but zeros";
        out.bytes.assign(out.bytes.size(), '\0');
        break;
      default:
        out.how = "bit flipped in byte " + std::to_string(place);
        out.bytes[place] = static_cast<char>(out.bytes[place] ^ (1 << (draws() % 8)));
    }
    return out;
  }

  // The whole archive with the damage done to it.
  std::unique_ptr<MemoryStore> damaged(const Damage& damage) {
    auto out = std::make_unique<MemoryStore>(clock);
    for (const auto& [key, bytes] : whole_) {
      if (key == damage.key && damage.removed) continue;
      value(out->put_if_absent(key, key == damage.key ? damage.bytes : bytes));
    }
    return out;
  }

  // A slot at the end of its chain, or a record without anything behind it: what was never written and what
  // was taken away look the same, and nothing builds on it.
  bool is_newest(const std::string& key) const {
    const auto next = std::next(whole_.find(key));
    const std::string folder = key.substr(0, key.rfind('/') + 1);
    return next == whole_.end() || !next->first.starts_with(folder) ||
           !KeyLayout::parse_slot_name(std::string_view(next->first).substr(folder.size()));
  }

  Result<LoadTotals> load(ObjectStore& from, MemoryWarehouse& into) {
    return Loader(from, layout, into, clock, {}).run(true, {});
  }

  Result<Coverage> gaps_of(ObjectStore& in) { return gaps_of(in, *lossy_); }
  Result<Coverage> gaps_of(ObjectStore& in, MemoryWarehouse& warehouse) {
    CV_ASSIGN(HourCatalog catalog, HourCatalog::read(in, layout));
    return gaps_of(in, warehouse, catalog);
  }
  Result<Coverage> gaps_of(ObjectStore& in, MemoryWarehouse& warehouse, HourCatalog& catalog) {
    CV_ASSIGN(const Acks acks, Acks::read(in, layout));
    SegmentFeed feed(in, everything_);
    CoverageOptions with;
    with.now = clock.now();
    with.load_grace = Duration{0};
    with.acknowledged = [&](const GapCell& cell, const Namespace& ns, const CellEvidence& evidence) {
      return acks.holding(cell.hour, ns, evidence) != nullptr;
    };
    return find_gaps({}, archive_side(catalog), warehouse, feed, with);
  }
  static GapStates states(const Coverage& coverage) {
    GapStates out;
    for (const GapCell& cell : coverage.cells) out[{cell.hour, coverage.ns(cell)}] = cell.state;
    return out;
  }

  // As `recover --gaps --yes`.
  Result<RecoveryResult> recover(ObjectStore& in, MemoryWarehouse& into) {
    CV_ASSIGN(HourCatalog catalog, HourCatalog::read(in, layout));
    CV_ASSIGN(const Coverage gaps, gaps_of(in, into, catalog));
    return recover_gaps({in, layout, into, clock, random}, catalog, gaps);
  }

  // A fresh one beside it, with the same rows lost.
  std::unique_ptr<MemoryWarehouse> lossy() {
    auto out = std::make_unique<MemoryWarehouse>(clock);
    EXPECT_OK(out->prepare());
    value(load(store, *out));
    std::vector<MemoryWarehouse::Row> rows = out->rows();
    for (const MemoryWarehouse::Row& row : rows) raw_events_[row.event_id] = row.raw_event;
    std::size_t n = 0;
    std::erase_if(rows, [&](const MemoryWarehouse::Row&) { return ++n % 4 == 1; });
    out->set_rows(std::move(rows));
    return out;
  }

  // No row that the archive does not hold, none twice, each with the bytes of its event.
  void expect_true_rows(const MemoryWarehouse& in) const {
    std::map<std::string, int> seen;
    for (const MemoryWarehouse::Row& row : in.rows()) {
      EXPECT_EQ(++seen[row.event_id], 1) << row.event_id;
      const auto truth = raw_events_.find(row.event_id);
      ASSERT_NE(truth, raw_events_.end()) << row.event_id;
      EXPECT_EQ(row.raw_event, truth->second);
    }
  }
  std::size_t events_loaded() const { return raw_events_.size(); }

  Objects objects() {
    Objects out;
    for (const std::string& key : keys()) out[key] = value(store.get(key));
    return out;
  }

 private:
  void append(int from, int to, int hour) {
    for (int i = from; i < to; ++i) {
      const char* const collection = i % 5 == 0 ? "orders" : i % 5 == 1 ? "carts" : "users";
      if (i % 20 == 7) hub.append(PartitionId(i % 2), "broken " + std::to_string(i), at(hour, 0), false);
      hub.append(PartitionId(i % 2), event("shop", collection, i), at(hour, i % 60), false);
    }
  }

  void make_archive() {
    for (int round = 0; round < 4; ++round) {
      append(round * 25, (round + 1) * 25, 8 + round);
      value(archive(ArchiveMode::kOnceAndClose));
    }
    append(100, 110, 12);
    value(archive(ArchiveMode::kOnce));  // not sealed
    lossy_ = lossy();
  }

  // A recovery, an acknowledgement and a repair have happened.
  void make_records() {
    const auto other = lossy();
    value(recover(store, *other));
    const Coverage gaps = value(gaps_of(store));
    Acknowledgement ack{{"ada", "host", "changevault test"}, "known", "shop", {}};
    HourCatalog catalog = value(HourCatalog::read(store, layout));
    SegmentFeed feed(store, everything_);
    CoverageOptions with;
    with.now = clock.now();
    with.load_grace = Duration{0};
    with.acknowledged = [&](const GapCell& cell, const Namespace& ns, const CellEvidence& evidence) {
      if (ack.cells.size() < 2) ack.cells.push_back({cell.hour, ns, cell.state, evidence});
      return false;
    };
    value(find_gaps({}, archive_side(catalog), *lossy_, feed, with));
    AckWriter writer{store, layout, clock, random, "test:1"};
    value(writer.acknowledge(ack));
    ack.cells.resize(1);
    value(writer.acknowledge(ack));
    value(writer.take_back({ack.actor, "after all", Slot(1)}));
    RebuildSources sources;
    sources.hub = &hub;
    for (int i = 0; i < 2; ++i) {
      const ListedSegment first = catalog_segment();
      const std::string bytes = value(store.get(first.facts.key));
      EXPECT_OK(store.remove(first.facts.key));
      Repairer repairer({store, layout, clock, random}, sources);
      const RepairPlan plan = value(repairer.plan({}, VerifyMode::kFull, nullptr, {}));
      value(repairer.run(plan, keep_.path(), {"ada", "host", "changevault test"}, {}));
      EXPECT_EQ(value(store.get(first.facts.key)), bytes);
    }
  }
  ListedSegment catalog_segment() { return catalog().segments().front(); }

  Scope everything_;
  TempDir keep_;
  Objects whole_;
  std::map<std::string, std::vector<std::string>> by_kind_;
  GapStates truth_;
  std::unique_ptr<MemoryWarehouse> lossy_;
  std::map<std::string, std::string> raw_events_;
};

}  // namespace changevault::testing
