// Makes the bytes of one segment (docs/formats/segment.md): a single-member gzip file whose deflate stream is
// cut by a full flush on a record boundary about every block, so that any block can be inflated alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/event_id.h"
#include "model/ids.h"
#include "model/segment_facts.h"

namespace changevault {

struct SegmentOptions {
  std::int64_t block_text_bytes = 1 << 20;
  int gzip_level = 1;  // 0 to 3, ISA-L's
};

// Compresses blocks, one after the other. Holds the large tables of the compressor, so that open segments
// need not: one for each worker. Not thread-safe.
class BlockCompressor {
 public:
  explicit BlockCompressor(int gzip_level);
  ~BlockCompressor();
  BlockCompressor(BlockCompressor&&) noexcept;
  // Appends the raw deflate of `text`, ended by a full flush, not final.
  void compress(std::string_view text, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
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

// An open segment: text of the block being filled, compressed blocks before it, running facts. Not
// thread-safe.
class SegmentWriter {
 public:
  explicit SegmentWriter(SegmentOptions options);
  ~SegmentWriter();
  SegmentWriter(SegmentWriter&&) noexcept;
  SegmentWriter& operator=(SegmentWriter&&) noexcept;

  // Append exactly one line ('\n' included) to this, then call `added`.
  std::string& text();
  void added(const SegmentRecord& record, BlockCompressor& compressor);

  std::int64_t records() const;
  std::int64_t memory() const;      // bytes held
  std::int64_t compressed() const;  // bytes of the finished blocks
  std::size_t blocks() const;

  // Ends the file. At least one record was added. The writer is spent.
  FinishedSegment finish(BlockCompressor& compressor);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace changevault
