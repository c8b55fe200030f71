// Makes the bytes of one segment (docs/formats/segment.md): a single-member gzip file whose deflate stream is
// cut by a full flush on a record boundary about every block, so that any block can be inflated alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "codec/block_worker.h"
#include "model/event_id.h"
#include "model/ids.h"
#include "model/segment_facts.h"

namespace changevault {

struct SegmentOptions {
  std::int64_t block_text_bytes = 1 << 20;
  int gzip_level = 1;  // 0 to 3, ISA-L's
};

struct SegmentRecord {
  Sequence sequence{};
  Timestamp enqueued{};
  EventId id;
  std::string_view operation;  // empty for dead letters
};

struct FinishedSegment {
  std::string bytes;
  SegmentFacts facts;  // all but key, ns, hour and partition
};

// An open segment: text of the block being filled, blocks before it (compressed, or on their way with the
// worker), running facts. Not thread-safe; the worker is the same in every call and outlives the writer.
class SegmentWriter {
 public:
  explicit SegmentWriter(SegmentOptions options);
  ~SegmentWriter();
  SegmentWriter(SegmentWriter&&) noexcept;
  SegmentWriter& operator=(SegmentWriter&&) noexcept;

  // Append exactly one line ('\n' included) to this, then call `added`.
  std::string& text();
  void added(const SegmentRecord& record, BlockWorker& worker);

  std::int64_t records() const;
  std::int64_t memory() const;      // bytes held, those on their way included
  std::int64_t compressed() const;  // bytes of the blocks that the worker gave back
  std::size_t blocks() const;       // that are full, on their way or not

  // Ends the file. At least one record was added. The writer is spent.
  FinishedSegment finish(BlockWorker& worker);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace changevault
