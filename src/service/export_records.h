// The records of a scope as one file: out of many segments, filtered, proven while they are read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/archive_files.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct ExportOptions {
  bool gzip = true;  // else plain lines
  int gzip_level = 1;
  // Files read, files in all.
  std::function<void(std::int64_t, std::int64_t)> on_progress;
};

struct ExportReport {
  std::int64_t records = 0;
  std::int64_t text_bytes = 0;
  std::int64_t bytes = 0;  // of the file
  std::string sha256;      // of the file
};

// Gives the file's bytes to `write`, piece by piece, in the order of `files` and of the records in them.
// Memory: a few MiB. Whoever writes them down keeps nothing unless this succeeded: a segment is proven at its
// end. Errors: the feed's, those of `write`.
Result<ExportReport> export_records(RecordFeed& feed, const std::vector<ArchivedFile>& files,
                                    const ExportOptions& options,
                                    const std::function<Result<void>(std::string_view)>& write);

}  // namespace changevault
