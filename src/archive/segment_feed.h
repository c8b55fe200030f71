// Records of archived segments, read from the store, proven while they are read, filtered by a scope.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string_view>

#include "archive/record_filter.h"
#include "model/scope.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

// A segment is read whole (but for `read_blocks`): its bytes are hashed on the way, and a sha256 that is not
// the one of the SegmentRef is a kCorrupt error *after* its last record, so a consumer must not keep what it
// got unless `read` returned success. (An empty sha256 in the reference, of an archive without a ledger, is
// not compared.) Gzip checksums are checked by SegmentReader.
class SegmentFeed final : public RecordFeed {
 public:
  // `store` and `scope` outlive it. An empty scope lets every record through.
  SegmentFeed(ObjectStore& store, const Scope& scope, std::stop_token stop = {});
  Result<void> read(const SegmentRef& segment, const EachRecord& each) override;
  // These parse no more of a line than they need, where the ledger's sha256 vouches for what follows.
  Result<void> read_facts(const SegmentRef& segment, const EachRecord& each) override;
  Result<void> read_chosen(const SegmentRef& segment, const Choose& choose, const EachRecord& each) override;

  // Facts, as read_facts gives them, of some blocks of a segment: no other byte is fetched. Each block is
  // proven by its own sha256, before its first record is given. REQUIRES: `blocks` are of that segment, as
  // the ledger lists them, in order.
  Result<void> read_blocks(const SegmentRef& segment, std::span<const BlockFacts> blocks,
                           const EachRecord& each);

  // All read so far (for progress; any thread).
  std::int64_t bytes_read() const { return bytes_read_.load(); }
  std::int64_t records_read() const { return records_read_.load(); }

 private:
  using EachLine = std::function<Result<void>(std::string_view line, std::int64_t number)>;
  Result<void> read_taken(const SegmentRef& segment, RecordFilter::Need need, const EachRecord& each);
  Result<void> read_block(const SegmentRef& segment, const BlockFacts& block, std::string_view bytes,
                          RecordFilter& filter, const EachRecord& each);
  Result<void> read_lines(const SegmentRef& segment, const EachLine& each);

  ObjectStore& store_;
  const Scope& scope_;
  std::stop_token stop_;
  std::atomic<std::int64_t> bytes_read_{0};
  std::atomic<std::int64_t> records_read_{0};
};

}  // namespace changevault
