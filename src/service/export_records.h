// The records of a scope as one file: out of many segments, filtered, proven while they are read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/archive_files.h"
#include "service/record_reading.h"

namespace changevault {

struct ExportOptions {
  bool gzip = true;  // else plain lines
  int gzip_level = 1;
  ReadingOptions reading;
  // What is written of a record's line; without it all.
  std::function<std::string(std::string_view)> choose;
};

struct ExportReport {
  std::int64_t records = 0;
  std::int64_t text_bytes = 0;
  std::int64_t bytes = 0;  // of the file
  std::string sha256;      // of the file
  ReadTally read;
};

// Gives the file's bytes to `write`, piece by piece, the records in the order of `read_records`.
// Memory: a few MiB, and what read_newest_first holds. Whoever writes them down keeps nothing unless this
// succeeded: a segment is proven at its end. Errors: the feed's, those of `write`.
Result<ExportReport> export_records(SegmentFeed& feed, const std::vector<ArchivedFile>& files,
                                    const ExportOptions& options,
                                    const std::function<Result<void>(std::string_view)>& write);

}  // namespace changevault
