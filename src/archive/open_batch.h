// The events of one partition that are read but not yet in the ledger: an open segment for each collection
// and hour, and one for the dead letters of each hour.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "codec/record_builder.h"
#include "codec/segment_writer.h"
#include "model/hour.h"
#include "model/hub_event.h"
#include "model/segment_facts.h"

namespace changevault {

struct ClosedSegment {
  Namespace ns;  // empty for dead letters
  Hour hour;
  bool dead_letter = false;
  FinishedSegment finished;
};

// Not thread-safe.
class OpenBatch {
 public:
  explicit OpenBatch(SegmentOptions options) : options_(options) {}

  // Adds one event at its effective time: as a record where it is a change event, else as a dead letter with
  // the reason. Returns the id that the ledger's tail names it by.
  EventId add(const HubEvent& event, Timestamp effective, Timestamp processed, RecordBuilder& builder,
              const RecordIdentity& identity, BlockWorker& worker);
  // The same of a message that is known not to be one: a dead letter for this reason.
  EventId add_refused(const HubEvent& event, const Refusal& reason, Timestamp effective, Timestamp processed,
                      const RecordIdentity& identity, BlockWorker& worker);

  bool empty() const { return open_.empty(); }
  std::int64_t memory() const { return memory_; }
  std::int64_t largest_segment() const { return largest_; }  // compressed bytes
  std::int64_t ledger_bytes() const;  // how long the commit that lists all this will be, roughly

  // Ends every segment, in the order of their places. The batch is empty afterwards.
  std::vector<ClosedSegment> close(BlockWorker& worker);

 private:
  // Ordered so that a place is found by views, without making strings.
  struct PlaceView {
    std::string_view database;
    std::string_view collection;
    Hour hour;
    bool dead_letter;
  };
  struct Place {
    std::string database;
    std::string collection;
    Hour hour;
    bool dead_letter;
  };
  struct ByPlace {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return std::tuple(a.dead_letter, a.hour, std::string_view(a.database), std::string_view(a.collection)) <
             std::tuple(b.dead_letter, b.hour, std::string_view(b.database), std::string_view(b.collection));
    }
  };

  struct OpenSegment {
    SegmentWriter writer;
    std::int64_t counted = 0;  // of the writer's memory, in memory_
  };

  OpenSegment& segment_at(const PlaceView& place);
  void added(OpenSegment& segment, const SegmentRecord& record, BlockWorker& worker);

  SegmentOptions options_;
  std::map<Place, OpenSegment, ByPlace> open_;
  std::int64_t memory_ = 0;
  std::int64_t largest_ = 0;
  std::int64_t blocks_ = 0;
};

}  // namespace changevault
