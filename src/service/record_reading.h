// The records of a scope, in the order and number that were asked for, reading no more than they need.
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

struct ReadingOptions {
  std::optional<std::int64_t> limit;  // as many records, and no more
  bool newest_first = false;          // else file by file, in the order of `files`, and in each as it stands
  // For whoever passes records on before the end: where a file's blocks are known, each is proven before its
  // first record is given, also where all of them are needed.
  bool proven_first = false;
  // Files read, files in all; of newest_first nothing is told.
  std::function<void(std::int64_t, std::int64_t)> on_progress = nullptr;
};

// Calls `each` with every line that `feed` gives of `files`.
//
// A file of which all is needed is read whole and proven by the ledger's sha256 of it, at its end. Where the
// scope's time touches some blocks only (ArchivedFile::blocks), a limit ends the reading early, or
// `proven_first` asks for it, single blocks are fetched, and each is proven by the ledger's sha256 of it
// before its first record is given. Returns what was counted of what was read to its end.
Result<ReadTally> read_records(const std::vector<ArchivedFile>& files, SegmentFeed& feed,
                               const ReadingOptions& options,
                               const std::function<Result<void>(std::string_view line)>& each);

}  // namespace changevault
