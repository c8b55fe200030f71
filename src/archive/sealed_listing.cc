#include "archive/sealed_listing.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "model/event_id.h"
#include "store/object_source.h"

namespace changevault {
namespace {

// Takes lines into the facts of a segment.
class Counter {
 public:
  Counter(SegmentFacts& facts, bool dead_letters) : facts_(facts), dead_letters_(dead_letters) {}

  Result<void> add(std::string_view line) {
    facts_.text_bytes += static_cast<std::int64_t>(line.size()) + 1;
    ++facts_.records;
    if (dead_letters_) return {};
    CV_ASSIGN(const RecordView record, scanner_.scan(line));
    const Timestamp time = record.enqueued_time;
    facts_.min_time = facts_.records == 1 ? time : std::min(facts_.min_time, time);
    facts_.max_time = facts_.records == 1 ? time : std::max(facts_.max_time, time);
    ++facts_.operations[std::string(record.operation_type)];
    const EventId id = EventId::of_text(record.event_id);
    facts_.digest += id.high;
    ids_.push_back(id);
    return {};
  }

  void finish() {
    std::sort(ids_.begin(), ids_.end());
    facts_.distinct = std::unique(ids_.begin(), ids_.end()) - ids_.begin();
  }

 private:
  SegmentFacts& facts_;
  bool dead_letters_;
  RecordScanner scanner_;
  std::vector<EventId> ids_;
};

}  // namespace

ListedSegment name_sealed(const KeyLayout& layout, const SealedSegment& sealed, const Namespace& ns) {
  ListedSegment listed;
  listed.by_seal = true;
  SegmentFacts& facts = listed.facts;
  facts.key = sealed.key;
  facts.sha256 = sealed.sha256;
  facts.ns = ns;
  const auto name = layout.parse(sealed.key);
  if (!name) return listed;
  facts.hour = name->hour;
  facts.min_time = name->hour.start();
  facts.max_time = name->hour.end() - milliseconds(1);
  if (!name->origin) return listed;
  facts.partition = name->origin->partition;
  facts.first = name->origin->first;
  facts.last = name->origin->last;
  return listed;
}

namespace {

// Counts the file that `listed` names; its sha256 becomes that of its bytes.
Result<void> count(ObjectStore& store, const KeyLayout& layout, ListedSegment& listed) {
  const std::string& key = listed.facts.key;
  const auto name = layout.parse(key);
  Counter counter(listed.facts, name && name->dead_letter);
  Hasher hasher(Hasher::Kind::kSha256);
  ObjectSource source(store, key, [&](std::string_view piece) {
    hasher.update(piece);
    listed.facts.bytes += static_cast<std::int64_t>(piece.size());
  });
  SegmentReader reader(source);
  while (true) {
    Result<std::string_view> text = reader.next();
    if (!text) {
      Error error = std::move(text).error();
      if (error.object.empty()) error.object = key;
      return error;
    }
    if (text->empty()) break;
    CV_TRY(for_each_line(*text, [&](std::string_view line) { return counter.add(line); }));
  }
  listed.facts.sha256 = hasher.finish_hex();
  counter.finish();
  return {};
}

}  // namespace

Result<ListedSegment> read_sealed(ObjectStore& store, const KeyLayout& layout, const SealedSegment& sealed,
                                  const Namespace& ns) {
  ListedSegment listed = name_sealed(layout, sealed, ns);
  CV_TRY(count(store, layout, listed));
  if (listed.facts.sha256 != sealed.sha256)
    return Error(ErrorCode::kCorrupt, "the file does not have the sha256 that a seal names", sealed.key);
  return listed;
}

}  // namespace changevault
