#include "archive/open_batch.h"

#include <algorithm>
#include <utility>

namespace changevault {
namespace {

// What an open segment costs besides its text, and what the ledger needs to list a segment and a block of it.
constexpr std::int64_t kSegmentOverhead = 1024;
constexpr std::int64_t kLedgerBytesPerSegment = 900;
constexpr std::int64_t kLedgerBytesPerBlock = 360;

}  // namespace

EventId OpenBatch::add(const HubEvent& event, Timestamp effective, Timestamp processed,
                       RecordBuilder& builder, const RecordIdentity& identity, BlockWorker& worker) {
  const Hour hour = hour_of(effective);
  const auto parsed = builder.parse(event);
  if (!parsed) return add_refused(event, parsed.error(), effective, processed, identity, worker);
  OpenSegment& open = segment_at({parsed->database, parsed->collection, hour, false});
  builder.append_record(*parsed, event, effective, processed, open.writer.text());
  added(open, {event.sequence, effective, parsed->id, parsed->operation}, worker);
  return parsed->id;
}

EventId OpenBatch::add_refused(const HubEvent& event, const Refusal& reason, Timestamp effective,
                               Timestamp processed, const RecordIdentity& identity, BlockWorker& worker) {
  OpenSegment& open = segment_at({{}, {}, hour_of(effective), true});
  const EventId id =
      EventId::of_position(identity.hub_identity, identity.epoch, event.partition, event.sequence);
  RecordBuilder::append_dead_letter(reason, event, effective, processed, open.writer.text());
  added(open, {event.sequence, effective, id, {}}, worker);
  return id;
}

OpenBatch::OpenSegment& OpenBatch::segment_at(const PlaceView& place) {
  if (const auto it = open_.find(place); it != open_.end()) return it->second;
  Place owned{std::string(place.database), std::string(place.collection), place.hour, place.dead_letter};
  memory_ += kSegmentOverhead;
  return open_.emplace(std::move(owned), OpenSegment{SegmentWriter(options_)}).first->second;
}

void OpenBatch::added(OpenSegment& segment, const SegmentRecord& record, BlockWorker& worker) {
  const std::size_t blocks_before = segment.writer.blocks();
  segment.writer.added(record, worker);
  blocks_ += static_cast<std::int64_t>(segment.writer.blocks() - blocks_before);
  memory_ += segment.writer.memory() - segment.counted;
  segment.counted = segment.writer.memory();
  largest_ = std::max(largest_, segment.writer.compressed());
}

std::int64_t OpenBatch::ledger_bytes() const {
  const auto segments = static_cast<std::int64_t>(open_.size());
  return segments * kLedgerBytesPerSegment + (blocks_ + segments) * kLedgerBytesPerBlock;
}

std::vector<ClosedSegment> OpenBatch::close(BlockWorker& worker) {
  std::vector<ClosedSegment> closed;
  closed.reserve(open_.size());
  for (auto& [place, open] : open_) {
    closed.push_back(
        {{place.database, place.collection}, place.hour, place.dead_letter, open.writer.finish(worker)});
  }
  open_.clear();
  memory_ = largest_ = blocks_ = 0;
  return closed;
}

}  // namespace changevault
