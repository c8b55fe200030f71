// The state of everything at one moment, for `status`.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "hub/hub.h"
#include "model/hour.h"
#include "service/parts.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct ArchiveStatus {
  std::optional<Hour> first_hour;
  std::optional<Hour> last_hour;
  std::optional<Hour> sealed_to;  // exclusive
  std::int64_t segments = 0;
  std::int64_t adopted = 0;  // of these: files of other programs, which are not loaded
  std::int64_t records = 0;
  std::int64_t collections = 0;
  std::int64_t dead_letters = 0;  // records
  std::int64_t lost_ranges = 0;
};

// Of the archive's group; what was archived comes from the ledger, not from the group's own position.
struct PartitionStatus {
  PartitionId partition{};
  std::optional<Sequence> position;  // the first event that is not archived
  std::int64_t behind = 0;
  std::optional<Error> damage;  // the end of its chain cannot be read: nothing else is known
  std::int64_t deleted = 0;     // by the hub, before they were archived and without being listed as lost
  std::optional<Timestamp> watermark;
  // Of the newest slot of its chain; nobody claimed the partition yet where there is no owner.
  Epoch epoch{};
  std::string owner;
  std::optional<Timestamp> written;
};

// A side table that a recovery left behind.
struct LeftStage {
  std::string id;
  std::string last_step;  // of its journal; "unknown" where that cannot be read
};

struct WarehouseStatus {
  std::int64_t loaded = 0;   // segments
  std::int64_t waiting = 0;  // listed, not loaded
  std::optional<LoadRecord> last_load;
  std::optional<LoadRecord> last_recovery;
  std::vector<LeftStage> stages;
};

// Of the sealed hours of the last days only: all of them is what `gaps` is for.
struct GapStatus {
  TimeRange range;
  // Proven gaps, or (where proving would read too much) hours of collections whose counts or digests differ.
  std::int64_t gaps = 0;
  bool proven = true;
  // Rows of the warehouse that no hour of the archive has and that are a gap for `gaps`: copies, rows without
  // a usable time, rows of hours to come.
  std::int64_t outside = 0;
  std::int64_t acknowledged = 0;  // cells under acknowledgements that count, of all times
  std::int64_t damaged_acks = 0;  // slots
};

// A part that could not be asked stays empty and is named in `failures`.
struct Status {
  std::optional<ArchiveStatus> archive;
  std::optional<std::vector<PartitionStatus>> partitions;
  std::optional<WarehouseStatus> warehouse;
  std::optional<GapStatus> gaps;
  std::vector<Error> failures;
  std::vector<std::string> attention;  // what a person should look at, in sentences
};

// Reads the seals and what follows them in the ledger, the hub's ends and a few numbers of the warehouse: its
// time grows with the hours of the archive, not with its files; of segments at most some megabytes, where
// recent hours differ. A warehouse that is busy for as long as `parts` waits is kIndeterminate among the
// failures.
Status read_status(Parts& parts, std::stop_token stop = {});

}  // namespace changevault
