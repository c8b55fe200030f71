// Records of archived segments, read from the store, proven while they are read, filtered by a scope.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "archive/record_filter.h"
#include "base/hash.h"
#include "codec/segment_reader.h"
#include "model/scope.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Others write what they like; a file that is called as an archiver calls its own is gzip, and never empty.
TextForm text_form_of(const std::string& key);

// A segment is read whole (but for `read_blocks`): its bytes are hashed on the way, and a sha256 that is not
// the one of the SegmentRef is a kCorrupt error *after* its last record, so a consumer must not keep what it
// got unless `read` returned success. (An empty sha256 in the reference, of an archive without a ledger, is
// not compared.) Gzip checksums are checked by SegmentReader.
class SegmentFeed final : public RecordFeed {
 public:
  // `store` and `scope` outlive it. An empty scope lets every record through. kGzipOrPlain: the files are not
  // of an archive, people made them; blank lines are none.
  SegmentFeed(ObjectStore& store, const Scope& scope, std::stop_token stop = {},
              TextForm form = TextForm::kGzip);
  // Records of others that lack an event_id get the one that this source makes of their event, and the other
  // fields that it tells (codec/record_completer.h); without this call such a record is an error. Files whose
  // names are not ours are checked whole then, whoever vouches for their bytes, and may be plain text.
  void complete_with(const std::string& source_id) { source_ = source_id; }

  Result<void> read(const SegmentRef& segment, const EachRecord& each) override;
  // These parse no more of a line than they need, where the ledger's sha256 vouches for what follows.
  Result<void> read_facts(const SegmentRef& segment, const EachRecord& each) override;
  Result<void> read_chosen(const SegmentRef& segment, const Choose& choose, const EachRecord& each) override;

  // Facts, as read_facts gives them, of some blocks of a segment: no other byte is fetched. Each block is
  // proven by its own sha256, before its first record is given. REQUIRES: `blocks` are of that segment, as
  // the ledger lists them, in order.
  Result<void> read_blocks(const SegmentRef& segment, std::span<const BlockFacts> blocks,
                           const EachRecord& each);

  // The same of all its blocks, and of the bytes around them: kCorrupt behind the last record where the file
  // as a whole is not what the ledger says.
  Result<void> read_proven(const SegmentRef& segment, std::span<const BlockFacts> blocks,
                           const EachRecord& each);

  // All read so far (for progress; any thread).
  std::int64_t bytes_read() const { return bytes_read_.load(); }
  std::int64_t records_read() const { return records_read_.load(); }
  // Of the record that is being handed out: its line, from 1 on.
  std::int64_t line() const { return line_; }
  // Of the file that was read to its end last.
  const std::string& sha256() const { return sha256_; }
  std::int64_t gzip_members() const { return gzip_members_; }  // of the same; 0: its text is plain

 private:
  using EachLine = std::function<Result<void>(std::string_view)>;
  Result<void> read_ranges(const SegmentRef& segment, std::span<const BlockFacts> blocks,
                           const EachRecord& each, Hasher* whole);
  // Errors of a reader: with the file that they are of, and the line that is being read.
  Error placed(Error error, const SegmentRef& segment) const;
  Result<void> check_sha256(const std::string& found, const SegmentRef& segment) const;
  bool is_of_others(const SegmentRef& segment) const;
  Result<RecordFilter> filter_for(const SegmentRef& segment) const;
  Error placed_here(Error error, const SegmentRef& segment) const;
  Result<void> read_taken(const SegmentRef& segment, RecordFilter::Need need, const EachRecord& each);
  Result<void> read_block(const SegmentRef& segment, const BlockFacts& block, std::string_view bytes,
                          RecordFilter& filter, const EachRecord& each);
  Result<void> read_lines(const SegmentRef& segment, const EachLine& each);

  ObjectStore& store_;
  const Scope& scope_;
  std::stop_token stop_;
  TextForm form_;
  std::optional<std::string> source_;
  std::string sha256_;
  std::int64_t gzip_members_ = 0;
  std::int64_t line_ = 0;
  std::atomic<std::int64_t> bytes_read_{0};
  std::atomic<std::int64_t> records_read_{0};
};

}  // namespace changevault
