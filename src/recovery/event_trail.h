// Where one event stands in the archive.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/catalog.h"
#include "base/result.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct EventPlace {
  const ListedSegment* segment = nullptr;
  std::int64_t line = 0;              // from 1
  std::optional<std::int64_t> block;  // from 0, by the segment's block index
  Sequence sequence{};                // in the hub's partition
  std::string offset;                 // as the hub names it
  Timestamp enqueued{};
  std::string operation;
  Namespace ns;
};

// Segments done, segments in all.
using SearchProgress = std::function<void(std::int64_t, std::int64_t)>;

// The segments that hold this position of the hub, in any of its lives.
std::vector<const ListedSegment*> segments_at(const Catalog& catalog, PartitionId partition,
                                              Sequence sequence);

// Reads these segments (unscoped `feed`) for records of this event_id. No index knows event_ids, so the fewer
// the better.
Result<std::vector<EventPlace>> find_event(const std::vector<const ListedSegment*>& segments,
                                           RecordFeed& feed, const std::string& event_id,
                                           const SearchProgress& progress);

}  // namespace changevault
