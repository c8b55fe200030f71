#include "codec/segment_writer.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "codec/segment_file.h"

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

// Invariants: `text` is the block being filled and `block` its facts; `file` holds the blocks before it but
// for those that are with the worker, and is looked into only when none is.
struct SegmentWriter::State {
  explicit State(SegmentOptions options_in) : options(options_in) {}
  ~State() {
    if (under_way > 0) worker->drain();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  SegmentOptions options;
  SegmentFile file;
  std::string text;
  BlockFacts block;
  SegmentFacts facts;
  std::vector<EventId> ids;
  std::size_t blocks = 0;
  BlockWorker* worker = nullptr;
  int under_way = 0;                         // blocks with the worker
  std::int64_t text_under_way = 0;           // bytes of their text
  std::int64_t compressed = 0;               // bytes of the blocks that it gave back
  std::int64_t file_memory = file.memory();  // when it did

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

  void close_block(BlockWorker& by) {
    worker = &by;
    const auto size = static_cast<std::int64_t>(text.capacity());
    ++blocks;
    ++under_way;
    text_under_way += size;
    by.submit({file, std::exchange(text, {}), std::exchange(block, {}),
               [this, size](const BlockWorker::Job& job) { taken_back(job, size); }});
    text = by.spare_buffer();
    if (text.capacity() > 4 * static_cast<std::size_t>(options.block_text_bytes)) text.shrink_to_fit();
  }

  void taken_back(const BlockWorker::Job& job, std::int64_t size) {
    --under_way;
    text_under_way -= size;
    compressed = job.compressed;
    file_memory = job.file_memory;
  }
};

SegmentWriter::SegmentWriter(SegmentOptions options) : state_(std::make_unique<State>(options)) {}
SegmentWriter::~SegmentWriter() = default;
SegmentWriter::SegmentWriter(SegmentWriter&&) noexcept = default;
SegmentWriter& SegmentWriter::operator=(SegmentWriter&&) noexcept = default;

std::string& SegmentWriter::text() {
  return state_->text;
}

void SegmentWriter::added(const SegmentRecord& record, BlockWorker& worker) {
  state_->count(record);
  if (static_cast<std::int64_t>(state_->text.size()) >= state_->options.block_text_bytes)
    state_->close_block(worker);
}

std::int64_t SegmentWriter::records() const {
  return state_->facts.records;
}

std::int64_t SegmentWriter::memory() const {
  const State& s = *state_;
  return s.file_memory + s.text_under_way +
         static_cast<std::int64_t>(sizeof(State) + s.text.capacity() + s.ids.capacity() * sizeof(EventId));
}

std::int64_t SegmentWriter::compressed() const {
  return state_->compressed;
}

std::size_t SegmentWriter::blocks() const {
  return state_->blocks;
}

FinishedSegment SegmentWriter::finish(BlockWorker& worker) {
  State& s = *state_;
  if (s.facts.records == 0) throw std::logic_error("a segment without records");
  if (!s.text.empty()) s.close_block(worker);
  worker.drain();
  s.facts.distinct = count_distinct(s.ids);
  std::string bytes = s.file.finish(s.facts);
  return {std::move(bytes), std::move(s.facts)};
}

}  // namespace changevault
