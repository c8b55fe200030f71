#include "codec/segment_writer.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "base/hash.h"
#include "codec/gzip_format.h"

namespace changevault {
namespace {

std::int64_t count_distinct(std::vector<EventId>& ids) {
  std::ranges::sort(ids);
  return std::ranges::unique(ids).begin() - ids.begin();
}

template <typename Facts>
void add_time(Facts& facts, Timestamp time, bool first) {
  facts.min_time = first ? time : std::min(facts.min_time, time);
  facts.max_time = first ? time : std::max(facts.max_time, time);
}

}  // namespace

// Invariants: `bytes` is the file so far (header and finished blocks), `facts.blocks` tile it behind the
// header; `text` is the block being filled and `block` its facts.
struct SegmentWriter::State {
  explicit State(SegmentOptions options_in) : options(options_in) { append_bytes(kGzipHeader); }

  SegmentOptions options;
  std::string bytes;
  std::string text;
  BlockFacts block;
  SegmentFacts facts;
  std::vector<EventId> ids;
  std::uint32_t crc = 0;
  Hasher sha256{Hasher::Kind::kSha256};
  Hasher md5{Hasher::Kind::kMd5};

  // Hashed while the bytes are in the cache, and not all at once at the end.
  void append_bytes(std::string_view more) {
    bytes.append(more);
    hash_from(bytes.size() - more.size());
  }
  void hash_from(std::size_t begin) {
    const std::string_view added = std::string_view(bytes).substr(begin);
    sha256.update(added);
    md5.update(added);
  }

  void count(const SegmentRecord& record) {
    add_time(facts, record.enqueued, facts.records == 0);
    add_time(block, record.enqueued, block.records == 0);
    if (block.records == 0) block.first = record.sequence;
    facts.first = facts.records == 0 ? record.sequence : std::min(facts.first, record.sequence);
    facts.last = facts.records == 0 ? record.sequence : std::max(facts.last, record.sequence);
    ++facts.records;
    ++block.records;
    if (record.operation.empty()) return;
    ++operation_count(record.operation);
    facts.digest += record.id.high;
    block.digest += record.id.high;
    ids.push_back(record.id);
  }

  std::int64_t& operation_count(std::string_view operation) {
    // A segment has few operation types, and the last one is mostly the next.
    if (last_operation == nullptr || *last_operation != operation) {
      const auto it = facts.operations.try_emplace(std::string(operation)).first;
      last_operation = &it->first;
      last_count = &it->second;
    }
    return *last_count;
  }
  const std::string* last_operation = nullptr;
  std::int64_t* last_count = nullptr;

  void close_block(BlockCompressor& compressor) {
    const std::size_t begin = bytes.size();
    compressor.compress(text, bytes);
    hash_from(begin);
    crc = gzip_crc32(crc, text);
    block.byte_offset = static_cast<std::int64_t>(begin);
    block.bytes = static_cast<std::int64_t>(bytes.size() - begin);
    block.text_offset = facts.text_bytes;
    block.text_bytes = static_cast<std::int64_t>(text.size());
    block.sha256 = sha256_hex(std::string_view(bytes).substr(begin));
    facts.text_bytes += block.text_bytes;
    facts.blocks.push_back(std::move(block));
    block = {};
    text.clear();
    if (text.capacity() > 4 * static_cast<std::size_t>(options.block_text_bytes)) text.shrink_to_fit();
  }
};

SegmentWriter::SegmentWriter(SegmentOptions options) : state_(std::make_unique<State>(options)) {}
SegmentWriter::~SegmentWriter() = default;
SegmentWriter::SegmentWriter(SegmentWriter&&) noexcept = default;
SegmentWriter& SegmentWriter::operator=(SegmentWriter&&) noexcept = default;

std::string& SegmentWriter::text() {
  return state_->text;
}

void SegmentWriter::added(const SegmentRecord& record, BlockCompressor& compressor) {
  state_->count(record);
  if (static_cast<std::int64_t>(state_->text.size()) >= state_->options.block_text_bytes)
    state_->close_block(compressor);
}

std::int64_t SegmentWriter::records() const {
  return state_->facts.records;
}

std::int64_t SegmentWriter::memory() const {
  const State& s = *state_;
  return static_cast<std::int64_t>(sizeof(State) + s.bytes.capacity() + s.text.capacity() +
                                   s.ids.capacity() * sizeof(EventId) +
                                   s.facts.blocks.capacity() * sizeof(BlockFacts));
}

std::int64_t SegmentWriter::compressed() const {
  return static_cast<std::int64_t>(state_->bytes.size() - kGzipHeader.size());
}

std::size_t SegmentWriter::blocks() const {
  return state_->facts.blocks.size();
}

FinishedSegment SegmentWriter::finish(BlockCompressor& compressor) {
  State& s = *state_;
  if (s.facts.records == 0) throw std::logic_error("a segment without records");
  if (!s.text.empty()) s.close_block(compressor);
  std::string end;
  append_gzip_end(end, s.crc, static_cast<std::uint64_t>(s.facts.text_bytes));
  s.append_bytes(end);
  s.facts.bytes = static_cast<std::int64_t>(s.bytes.size());
  s.facts.sha256 = s.sha256.finish_hex();
  s.facts.md5 = s.md5.finish_hex();
  s.facts.distinct = count_distinct(s.ids);
  return {std::move(s.bytes), std::move(s.facts)};
}

}  // namespace changevault
