#include "service/read_tally.h"

#include <string>

namespace changevault {
namespace {

std::int64_t promised_by(const ArchivedFile& file, const std::optional<std::span<const BlockFacts>>& blocks) {
  if (!blocks) return file.segment.records;
  std::int64_t records = 0;
  for (const BlockFacts& block : *blocks) records += block.records;
  return records;
}

}  // namespace

Result<void> read_counted(SegmentFeed& feed, const ArchivedFile& file,
                          const std::optional<std::span<const BlockFacts>>& blocks,
                          const SegmentFeed::EachRecord& each, ReadTally& tally) {
  const std::int64_t before = feed.records_read();
  const bool all = blocks && !file.is_part && blocks->size() == file.blocks.size();
  CV_TRY(!blocks ? feed.read_facts(file.segment, each)
         : all   ? feed.read_proven(file.segment, *blocks, each)
                 : feed.read_blocks(file.segment, *blocks, each));
  const std::int64_t records = feed.records_read() - before;
  tally.records += records;
  if (file.segment.sha256.empty()) {
    tally.is_known = false;
    return {};
  }
  const std::int64_t promised = promised_by(file, blocks);
  tally.promised += promised;
  if (records == promised) return {};
  return Error(
      ErrorCode::kCorrupt,
      "it holds " + std::to_string(records) + " records where " + std::to_string(promised) + " are listed",
      file.segment.key, "see all that differs with: changevault verify");
}

}  // namespace changevault
