#include "recovery/segment_ids.h"

#include <algorithm>

namespace changevault {

SegmentRef reference_to(const ListedSegment& segment) {
  return {.key = segment.facts.key,
          .sha256 = segment.facts.sha256,
          .partition = segment.facts.partition,
          .slot = segment.slot,
          .records = segment.facts.records};
}

SegmentRef reference_to(const SealedSegment& segment) {
  return {.key = segment.key, .sha256 = segment.sha256, .partition = {}, .slot = {}, .records = 0};
}

Result<void> append_event_ids(RecordFeed& feed, const SegmentRef& segment, std::vector<std::string>& ids) {
  const std::size_t before = ids.size();
  Result<void> read = feed.read_facts(segment, [&](const RecordView& record) -> Result<void> {
    ids.emplace_back(record.event_id);
    return {};
  });
  if (!read) ids.resize(before);
  return read;
}

Result<std::vector<std::string>> distinct_event_ids(RecordFeed& feed, std::span<const SegmentRef> segments) {
  std::vector<std::string> ids;
  for (const SegmentRef& segment : segments) CV_TRY(append_event_ids(feed, segment, ids));
  make_distinct(ids);
  return ids;
}

void make_distinct(std::vector<std::string>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace changevault
