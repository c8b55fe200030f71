// The tables of the embedded hub (docs/formats/hub.md), and where in them an event stands.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "hub/sqlite/sqlite_database.h"
#include "model/ids.h"

namespace changevault {

constexpr std::int32_t kMaxSqlitePartitions = 1024;

// Key of an event: the partition's number above 48 bits of sequence, so that one b-tree holds each partition
// in order and the payload lies in the leaf.
constexpr std::int64_t kSequencesPerPartition = std::int64_t{1} << 48;
constexpr std::int64_t event_key(PartitionId partition, Sequence sequence) {
  return partition.value * kSequencesPerPartition + sequence.value;
}

// What kind of file this is: the hub's own mark, nothing yet, or somebody else's.
enum class SqliteFileKind { kHub, kEmpty };

// kUsage for a database of another program, or a hub that a newer version of this program made.
Result<SqliteFileKind> check_format(SqliteDatabase& database);

// Makes the tables and the mark. REQUIRES: a write transaction on a database without tables.
Result<void> create_schema(SqliteDatabase& database, const std::string& identity, std::int32_t partitions);

// Settings of every connection: the write-ahead log, and how far an acknowledged write has come. `durable`:
// to the disk; otherwise a power cut may take the newest writes back (never out of order, never in part).
Result<void> configure_connection(SqliteDatabase& database, bool durable);

}  // namespace changevault
