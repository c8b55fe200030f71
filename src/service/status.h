// The state of everything at one moment, for `status`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"
#include "service/parts.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct ArchiveStatus {
  std::optional<Hour> first_hour;
  std::optional<Hour> last_hour;
  std::optional<Hour> sealed_to;  // exclusive
  std::int64_t segments = 0;
  std::int64_t records = 0;
  std::int64_t bytes = 0;
  std::int64_t collections = 0;
  std::int64_t dead_letters = 0;  // records
  std::int64_t lost_ranges = 0;
};

// Of the archive's group; what was archived comes from the ledger, not from the group's own position.
struct PartitionStatus {
  PartitionId partition{};
  std::int64_t archived = 0;  // events
  std::int64_t behind = 0;
  std::optional<Timestamp> watermark;
};

struct WarehouseStatus {
  std::int64_t loaded = 0;   // segments
  std::int64_t waiting = 0;  // listed, not loaded
  std::optional<LoadRecord> last_load;
  std::optional<LoadRecord> last_recovery;
};

// A part that could not be asked stays empty and is named in `failures`.
struct Status {
  std::optional<ArchiveStatus> archive;
  std::optional<std::vector<PartitionStatus>> partitions;
  std::optional<WarehouseStatus> warehouse;
  std::vector<Error> failures;
  std::vector<std::string> attention;  // what a person should look at, in sentences
};

Status read_status(Parts& parts);

}  // namespace changevault
