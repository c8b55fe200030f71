// The newest records of a scope, without reading the archive from its beginning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "service/archive_files.h"
#include "warehouse/warehouse.h"

namespace changevault {

// The lines of the `count` newest records that `feed` gives of `files`, newest first: by enqueued time, then
// partition and sequence number. Reads the files from the newest back, and none that cannot hold one of them.
// Memory: `count` lines.
Result<std::vector<std::string>> last_records(std::vector<ArchivedFile> files, RecordFeed& feed,
                                              std::int64_t count);

}  // namespace changevault
