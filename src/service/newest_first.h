// Records from the newest to the oldest, without reading the archive from its beginning.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "archive/segment_feed.h"
#include "base/result.h"
#include "service/archive_files.h"
#include "service/read_tally.h"

namespace changevault {

struct NewestFirstOptions {
  std::optional<std::int64_t> limit;                      // as many and no more
  std::int64_t lines_in_memory = std::int64_t{64} << 20;  // bytes; one line is held in any case
};

// Calls `each` with the lines that `feed` gives of `files`: by enqueued time, then partition and sequence
// number, the newest first. Reads from the newest back, block by block where the files' blocks are known, and
// nothing that cannot hold a line that is still asked for. What does not fit into memory at once is read
// again when it is its turn, and counted once.
Result<ReadTally> read_newest_first(const std::vector<ArchivedFile>& files, SegmentFeed& feed,
                                    const NewestFirstOptions& options,
                                    const std::function<Result<void>(std::string_view line)>& each);

}  // namespace changevault
