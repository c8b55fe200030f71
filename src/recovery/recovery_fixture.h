// For tests of this folder: an archive in memory, made of real segments, beside a warehouse in memory.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "archive/segment_feed.h"
#include "base/manual_clock.h"
#include "base/random.h"
#include "codec/json.h"
#include "codec/segment_writer.h"
#include "recovery/coverage.h"
#include "recovery/segment_ids.h"
#include "store/memory/memory_store.h"
#include "tests/support/expect.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault::testing {

inline constexpr Hour kFirstHour{482'064};  // 2024-12-29T00:00:00Z
inline const Namespace kProducts{"inventory_db", "products"};
inline const Namespace kOrders{"sales", "orders"};

struct TestEvent {
  std::int64_t id = 0;
  std::string operation = "insert";
};

inline std::string event_id(std::int64_t id) {
  return to_string(EventId::of_token("test", std::to_string(id)));
}

class CountingRandom final : public Random {
 public:
  std::uint64_t next() override { return ++n_ * 0x9E3779B97F4A7C15U; }

 private:
  std::uint64_t n_ = 0;
};

class TestArchive {
 public:
  TestArchive()
      : clock_({kFirstHour.start().ms + 10 * 24 * 3'600'000LL}), store_(clock_), warehouse_(clock_) {
    EXPECT_OK(warehouse_.prepare());
  }

  // A listed segment of these events, one second apart from `second` of the hour on, listed `age` ago.
  const ListedSegment& add(const Namespace& ns, Hour hour, const std::vector<TestEvent>& events,
                           Duration age = hours(48), int second = 0) {
    SegmentWriter writer({.block_text_bytes = 512});
    BlockWorker compressor(1);
    const Sequence first = next_;
    for (const TestEvent& event : events) {
      const Timestamp time = hour.start() + seconds(second++);
      append_line(writer.text(), ns, time, event);
      writer.added({next_, time, EventId::of_text(event_id(event.id)), event.operation}, compressor);
      next_ = next_.next();
    }
    FinishedSegment finished = writer.finish(compressor);
    ListedSegment listed;
    listed.facts = std::move(finished.facts);
    listed.facts.ns = ns;
    listed.facts.hour = hour;
    listed.facts.key = layout_.segment(ns, hour, {PartitionId(0), first, next_.previous(), Slot(1)});
    listed.slot = Slot(static_cast<std::int64_t>(segments_.size()) + 1);
    listed.listed_at = clock_.now() - age;
    value(store_.put_if_absent(listed.facts.key, finished.bytes));
    segments_.push_back(std::move(listed));
    return segments_.back();
  }

  void load(const ListedSegment& segment) {
    const SegmentRef reference = reference_to(segment);
    EXPECT_OK(warehouse_.load({&reference, 1}, feed_));
  }

  // Loses, doubles or changes rows of the warehouse.
  template <typename Change>
  void change_rows(Change&& change) {
    std::vector<MemoryWarehouse::Row> rows = warehouse_.rows();
    change(rows);
    warehouse_.set_rows(std::move(rows));
  }
  void lose(std::int64_t id) {
    change_rows([&](auto& rows) {
      std::erase_if(rows, [&](const MemoryWarehouse::Row& row) { return row.event_id == event_id(id); });
    });
  }

  // The archive knows `known` hours from kFirstHour on, the first `sealed` of them sealed.
  ArchiveSide side(std::int64_t known = 24, std::int64_t sealed = 24) const {
    ArchiveSide side;
    side.span = {kFirstHour, Hour{kFirstHour.index + known}, kFirstHour, Hour{kFirstHour.index + sealed}};
    for (const ListedSegment& segment : segments_) side.namespaces.push_back(segment.facts.ns);
    std::sort(side.namespaces.begin(), side.namespaces.end());
    side.namespaces.erase(std::unique(side.namespaces.begin(), side.namespaces.end()), side.namespaces.end());
    std::map<std::pair<Hour, std::uint32_t>, HourCell> cells;
    for (const ListedSegment& segment : segments_) {
      const auto ns = std::find(side.namespaces.begin(), side.namespaces.end(), segment.facts.ns);
      const auto index = static_cast<std::uint32_t>(ns - side.namespaces.begin());
      HourCell& cell = cells[{segment.facts.hour, index}];
      cell.hour = segment.facts.hour;
      cell.ns = index;
      cell.digest += segment.facts.counted();
      cell.listed_by = std::max(cell.listed_by, segment.listed_at);
    }
    for (const auto& [place, cell] : cells) side.cells.push_back(cell);
    side.objects_of = [this, names = side.namespaces](const HourCell& cell) {
      std::vector<SealedSegment> found;
      for (const ListedSegment& segment : listings(cell.hour, names[cell.ns])) {
        found.push_back({segment.facts.key, segment.facts.sha256});
      }
      return Result<std::vector<SealedSegment>>(std::move(found));
    };
    side.listings_of = [this, names = side.namespaces](std::span<const HourCell> asked) {
      std::vector<ListedSegment> found;
      for (const HourCell& cell : asked) {
        for (ListedSegment& segment : listings(cell.hour, names[cell.ns]))
          found.push_back(std::move(segment));
      }
      return Result<std::vector<ListedSegment>>(std::move(found));
    };
    return side;
  }

  std::vector<const ListedSegment*> listed() const {
    std::vector<const ListedSegment*> all;
    for (const ListedSegment& segment : segments_) all.push_back(&segment);
    return all;
  }

  ManualClock& clock() { return clock_; }
  MemoryStore& store() { return store_; }
  MemoryWarehouse& warehouse() { return warehouse_; }
  SegmentFeed& feed() { return feed_; }
  const KeyLayout& layout() const { return layout_; }
  CountingRandom& random() { return random_; }

 private:
  std::vector<ListedSegment> listings(Hour hour, const Namespace& ns) const {
    std::vector<ListedSegment> found;
    for (const ListedSegment& segment : segments_) {
      if (segment.facts.hour == hour && segment.facts.ns == ns) found.push_back(segment);
    }
    return found;
  }

  void append_line(std::string& out, const Namespace& ns, Timestamp time, const TestEvent& event) const {
    const std::string at = to_rfc3339(time);
    const std::string sequence = std::to_string(next_.value);
    out +=
        R"({"event_id":")" + event_id(event.id) + R"(","processed_timestamp":")" + at +
        R"(","partition_id":"0","offset":")" + sequence + R"(","sequence_number":)" + sequence +
        R"(,"enqueued_time":")" + at + R"(","operation_type":")" + event.operation + R"(","database_name":)" +
        Json(ns.database).dump() + R"(,"collection_name":)" + Json(ns.collection).dump() +
        R"(,"document_key":{"_id":)" + std::to_string(event.id) +
        R"(},"full_document":null,"update_description":null,"cluster_time":null,"raw_event":{"operationType":")" +
        event.operation + "\"}}\n";
  }

  ManualClock clock_;
  MemoryStore store_;
  MemoryWarehouse warehouse_;
  CountingRandom random_;
  KeyLayout layout_{"changestreams"};
  Scope everything_;
  SegmentFeed feed_{store_, everything_};
  std::deque<ListedSegment> segments_;
  Sequence next_{0};
};

}  // namespace changevault::testing
