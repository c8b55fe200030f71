// The event_ids of archived segments.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "archive/catalog.h"
#include "warehouse/warehouse.h"

namespace changevault {

// A listed segment as feeds and warehouses name it.
SegmentRef reference_to(const ListedSegment& segment);
// The same of what a seal says: enough to read it, not to load it.
SegmentRef reference_to(const SealedSegment& segment);

// Appends the event_id of every record that the feed gives of `segment`, repeats included. On an error `ids`
// is as before: ids of a segment that turned out to be damaged are not kept.
Result<void> append_event_ids(RecordFeed& feed, const SegmentRef& segment, std::vector<std::string>& ids);

// The different event_ids of `segments`, sorted.
Result<std::vector<std::string>> distinct_event_ids(RecordFeed& feed, std::span<const SegmentRef> segments);

// Sorts and drops repeats.
void make_distinct(std::vector<std::string>& ids);

}  // namespace changevault
