#include "recovery/event_trail.h"

#include <algorithm>

#include "recovery/segment_ids.h"

namespace changevault {
namespace {

std::optional<std::int64_t> block_of(const SegmentFacts& facts, Sequence sequence) {
  const auto behind = std::upper_bound(facts.blocks.begin(), facts.blocks.end(), sequence,
                                       [](Sequence s, const BlockFacts& block) { return s < block.first; });
  if (behind == facts.blocks.begin()) return std::nullopt;
  return behind - facts.blocks.begin() - 1;
}

EventPlace place_of(const ListedSegment& segment, std::int64_t line, const RecordView& record) {
  EventPlace place;
  place.segment = &segment;
  place.line = line;
  place.sequence = Sequence(record.sequence_number.value_or(-1));
  place.block = block_of(segment.facts, place.sequence);
  place.offset = record.offset.value_or("");
  place.enqueued = record.enqueued_time;
  place.operation = record.operation_type;
  place.ns = {std::string(record.database_name.value_or("")),
              std::string(record.collection_name.value_or(""))};
  return place;
}

}  // namespace

std::vector<const ListedSegment*> segments_at(const Catalog& catalog, PartitionId partition,
                                              Sequence sequence) {
  std::vector<const ListedSegment*> found;
  for (const ListedSegment& segment : catalog.segments()) {
    const SegmentFacts& facts = segment.facts;
    if (facts.partition == partition && facts.first <= sequence && sequence <= facts.last)
      found.push_back(&segment);
  }
  return found;
}

Result<std::vector<EventPlace>> find_event(const std::vector<const ListedSegment*>& segments,
                                           RecordFeed& feed, const std::string& event_id,
                                           const SearchProgress& progress) {
  std::vector<EventPlace> places;
  std::int64_t done = 0;
  for (const ListedSegment* const segment : segments) {
    std::int64_t line = 0;
    CV_TRY(feed.read(reference_to(*segment), [&](const RecordView& record) -> Result<void> {
      ++line;
      if (record.event_id == event_id) places.push_back(place_of(*segment, line, record));
      return {};
    }));
    if (progress) progress(++done, static_cast<std::int64_t>(segments.size()));
  }
  return places;
}

}  // namespace changevault
