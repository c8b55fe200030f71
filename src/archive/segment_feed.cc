#include "archive/segment_feed.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/hash.h"
#include "codec/segment_reader.h"
#include "store/key_layout.h"
#include "store/object_source.h"

namespace changevault {
namespace {

// What a reader of the archive is told: which file, and how to see all that is damaged.
Error placed_error(Error error, const SegmentRef& segment) {
  const bool listed = !segment.sha256.empty();
  if (error.object.empty()) error.object = segment.key;
  if (error.code == ErrorCode::kNotFound && listed && error.object == segment.key) {
    error.code = ErrorCode::kCorrupt;
    error.message = "a segment that the ledger lists is gone";
  }
  if (error.code == ErrorCode::kCorrupt && error.hint.empty()) {
    error.hint = "'changevault verify' names all that is damaged; a narrower scope leaves this file out";
  }
  return error;
}

Error damaged_block(const SegmentRef& segment, const BlockFacts& block, const std::string& what) {
  return placed_error(
      Error(ErrorCode::kCorrupt, "the block at byte " + std::to_string(block.byte_offset) + " " + what),
      segment);
}

// How many of the blocks one request fetches: neighbours, of `most` bytes together, and the first in any
// case.
std::size_t in_one_request(std::span<const BlockFacts> blocks, std::int64_t most) {
  std::int64_t bytes = blocks.front().bytes;
  std::size_t count = 1;
  for (; count < blocks.size(); ++count) {
    const BlockFacts& last = blocks[count - 1];
    bytes += blocks[count].bytes;
    if (blocks[count].byte_offset != last.byte_offset + last.bytes || bytes > most) break;
  }
  return count;
}

}  // namespace

TextForm text_form_of(const std::string& key) {
  return KeyLayout::has_own_file_name(key) ? TextForm::kGzip : TextForm::kGzipOrPlain;
}

SegmentFeed::SegmentFeed(ObjectStore& store, const Scope& scope, std::stop_token stop, TextForm form)
    : store_(store), scope_(scope), stop_(std::move(stop)), form_(form) {}

Error SegmentFeed::placed(Error error, const SegmentRef& segment) const {
  if (form_ == TextForm::kGzip) return placed_error(std::move(error), segment);
  if (error.object.empty()) error.object = segment.key;
  return error;
}

Error SegmentFeed::placed_here(Error error, const SegmentRef& segment) const {
  error.message += ", line " + std::to_string(line_);
  return placed(std::move(error), segment);
}

bool SegmentFeed::is_of_others(const SegmentRef& segment) const {
  return source_ && !KeyLayout::has_own_file_name(segment.key);
}

// What another program wrote is as it wrote it, also where the ledger knows the bytes.
Result<RecordFilter> SegmentFeed::filter_for(const SegmentRef& segment) const {
  if (is_of_others(segment)) return RecordFilter::of(scope_, /*proven=*/false, source_);
  return RecordFilter::of(scope_, !segment.sha256.empty());
}

Result<void> SegmentFeed::read(const SegmentRef& segment, const EachRecord& each) {
  return read_taken(segment, RecordFilter::Need::kWhole, each);
}

Result<void> SegmentFeed::read_facts(const SegmentRef& segment, const EachRecord& each) {
  return read_taken(segment, RecordFilter::Need::kFacts, each);
}

Result<void> SegmentFeed::read_chosen(const SegmentRef& segment, const Choose& choose,
                                      const EachRecord& each) {
  CV_ASSIGN(RecordFilter filter, filter_for(segment));
  return read_lines(segment, [&](std::string_view line) -> Result<void> {
    const auto facts = filter.take(line, RecordFilter::Need::kFacts);
    if (!facts) return placed_here(facts.error(), segment);
    if (!*facts || !choose(**facts)) return {};
    if (!(*facts)->raw_event.empty()) return each(**facts);
    const Result<RecordView> record = filter.whole(line);
    if (!record) return placed_here(record.error(), segment);
    return each(*record);
  });
}

Result<void> SegmentFeed::read_taken(const SegmentRef& segment, RecordFilter::Need need,
                                     const EachRecord& each) {
  CV_ASSIGN(RecordFilter filter, filter_for(segment));
  return read_lines(segment, [&](std::string_view line) -> Result<void> {
    const auto record = filter.take(line, need);
    if (!record) return placed_here(record.error(), segment);
    return *record ? each(**record) : Result<void>();
  });
}

Result<void> SegmentFeed::read_blocks(const SegmentRef& segment, std::span<const BlockFacts> blocks,
                                      const EachRecord& each) {
  return read_ranges(segment, blocks, each, nullptr);
}

Result<void> SegmentFeed::read_proven(const SegmentRef& segment, std::span<const BlockFacts> blocks,
                                      const EachRecord& each) {
  Hasher whole(Hasher::Kind::kSha256);
  CV_TRY(read_ranges(segment, blocks, each, &whole));
  return check_sha256(whole.finish_hex(), segment);
}

// The first request is for one block, for whoever stops soon; those behind it grow. For `whole` they take
// along what stands in front of the first block and behind the last: the end of a gzip file, and nothing
// more.
Result<void> SegmentFeed::read_ranges(const SegmentRef& segment, std::span<const BlockFacts> blocks,
                                      const EachRecord& each, Hasher* whole) {
  constexpr std::int64_t kGzipEnd = 10;
  constexpr std::int64_t kMostBytes = std::int64_t{4} << 20;
  CV_ASSIGN(RecordFilter filter, RecordFilter::of(scope_, /*proven=*/true));
  std::int64_t most = 0;
  bool first = true;
  while (!blocks.empty()) {
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading", segment.key);
    const std::size_t count = in_one_request(blocks, most);
    const std::int64_t begin = whole != nullptr && first ? 0 : blocks.front().byte_offset;
    const std::int64_t behind = whole != nullptr && count == blocks.size() ? kGzipEnd + 1 : 0;
    const ByteRange range{begin, blocks[count - 1].byte_offset + blocks[count - 1].bytes + behind - begin};
    first = false;
    const Result<std::string> bytes = store_.get(segment.key, range);
    if (!bytes) return placed_error(bytes.error(), segment);
    bytes_read_ += static_cast<std::int64_t>(bytes->size());
    if (whole != nullptr) whole->update(*bytes);
    for (const BlockFacts& block : blocks.first(count)) {
      const auto at = static_cast<std::size_t>(block.byte_offset - begin);
      const std::string_view rest = std::string_view(*bytes).substr(std::min(at, bytes->size()));
      CV_TRY(read_block(segment, block, rest.substr(0, static_cast<std::size_t>(block.bytes)), filter, each));
    }
    blocks = blocks.subspan(count);
    most = std::min(kMostBytes, std::max(2 * range.length, most));
  }
  return {};
}

Result<void> SegmentFeed::read_block(const SegmentRef& segment, const BlockFacts& block,
                                     std::string_view bytes, RecordFilter& filter, const EachRecord& each) {
  const std::string found = sha256_hex(bytes);
  if (found != block.sha256)
    return damaged_block(segment, block, "has the sha256 " + found + ", the ledger says " + block.sha256);
  Result<std::string> text = inflate_block(bytes, block.text_bytes);
  if (!text) return placed_error(std::move(text).error(), segment);
  text->append(kScanPadding, '\0');
  const std::string_view lines(text->data(), text->size() - kScanPadding);
  if (!lines.ends_with('\n')) return damaged_block(segment, block, "does not end with a line");
  std::int64_t number = 0;
  const Result<void> taken = for_each_line(lines, [&](std::string_view line) -> Result<void> {
    ++number;
    const auto record = filter.take(line, RecordFilter::Need::kFacts);
    if (!record) return damaged_block(segment, block, "holds what is no record: " + record.error().message);
    return *record ? each(**record) : Result<void>();
  });
  records_read_ += number;
  return taken;
}

Result<void> SegmentFeed::read_lines(const SegmentRef& segment, const EachLine& each) {
  Hasher hasher(Hasher::Kind::kSha256);
  ObjectSource source(store_, segment.key, [&](std::string_view piece) {
    hasher.update(piece);
    bytes_read_ += static_cast<std::int64_t>(piece.size());
  });
  const TextForm form = is_of_others(segment) ? TextForm::kGzipOrPlain : form_;
  SegmentReader reader(source, form);
  line_ = 0;
  std::int64_t blank = 0;
  const auto each_line = [&](std::string_view text) {
    ++line_;
    const std::string_view line = form == TextForm::kGzip ? text : plain_line(text);
    if (form == TextForm::kGzip || !line.empty()) return each(line);
    ++blank;
    return Result<void>();
  };
  while (true) {
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading", segment.key);
    Result<std::string_view> text = reader.next();
    if (!text) return placed(std::move(text).error(), segment);
    if (text->empty()) break;
    const std::int64_t before = line_ - blank;
    const Result<void> taken = for_each_line(*text, each_line);
    records_read_ += line_ - blank - before;
    CV_TRY(taken);
  }
  sha256_ = hasher.finish_hex();
  gzip_members_ = reader.members();
  return check_sha256(sha256_, segment);
}

Result<void> SegmentFeed::check_sha256(const std::string& found, const SegmentRef& segment) const {
  if (segment.sha256.empty() || segment.sha256 == found) return {};
  const std::string what = form_ == TextForm::kGzip
                               ? "the segment's sha256 is " + found + ", the ledger says "
                               : "the file's sha256 is " + found + " and was ";
  return placed(Error(ErrorCode::kCorrupt, what + segment.sha256), segment);
}

}  // namespace changevault
