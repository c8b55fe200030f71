// Records of archived files, counted while they are read, against what the ledger says that there are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "archive/segment_feed.h"
#include "base/result.h"
#include "service/archive_files.h"

namespace changevault {

// Of files and blocks that were read to their end. A scope may have taken any part of these records.
struct ReadTally {
  std::int64_t records = 0;
  std::int64_t promised = 0;  // by the ledger, or by who counted the file before
  bool is_known = true;       // what was promised; of files that nobody counted before it is not
  bool cut_short = false;     // a limit ended the reading within a file or before one
};

// Gives the lines of a file, or of these blocks of it, and adds them to `tally`. Errors: the feed's;
// kCorrupt, after the last line, where it is not the number of records that the ledger lists.
Result<void> read_counted(SegmentFeed& feed, const ArchivedFile& file,
                          const std::optional<std::span<const BlockFacts>>& blocks,
                          const SegmentFeed::EachRecord& each, ReadTally& tally);

}  // namespace changevault
