#include "service/record_reading.h"

#include "service/newest_first.h"

namespace changevault {

Result<ReadTally> read_records(const std::vector<ArchivedFile>& files, SegmentFeed& feed,
                               const ReadingOptions& options,
                               const std::function<Result<void>(std::string_view line)>& each) {
  if (options.newest_first) return read_newest_first(files, feed, {.limit = options.limit}, each);
  std::int64_t given = 0;
  const auto is_enough = [&] { return options.limit && given >= *options.limit; };
  const auto take = [&](const RecordView& record) -> Result<void> {
    CV_TRY(each(record.line));
    ++given;
    if (!is_enough()) return {};
    return Error(ErrorCode::kCancelled, "enough was read");  // the way to end a reading early
  };
  ReadTally tally;
  std::int64_t done = 0;
  for (const ArchivedFile& file : files) {
    tally.cut_short = is_enough();
    if (tally.cut_short) break;
    std::optional<std::span<const BlockFacts>> blocks;
    if (file.is_part || ((options.limit || options.proven_first) && !file.blocks.empty()))
      blocks = file.blocks;
    const Result<void> read = read_counted(feed, file, blocks, take, tally);
    tally.cut_short = !read && is_enough();
    if (!read && !is_enough()) return read.error();
    if (options.on_progress) options.on_progress(++done, static_cast<std::int64_t>(files.size()));
  }
  return tally;
}

}  // namespace changevault
