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

// Every so many events of a partition a mark says what time it had reached.
constexpr std::int64_t kEventsPerMark = 4096;

// What kind of file this is: a hub, a hub of an older format, or nothing yet.
enum class SqliteFileKind { kHub, kOldHub, kEmpty };

// kUsage for a database of another program, or a hub that a newer version of this program made.
Result<SqliteFileKind> check_format(SqliteDatabase& database);

// Makes the tables and the mark. REQUIRES: a write transaction on a database without tables.
Result<void> create_schema(SqliteDatabase& database, const std::string& identity, std::int32_t partitions);

// Adds the partitions `from` to `to` - 1. REQUIRES: a write transaction, `from` partitions.
Result<void> add_partitions(SqliteDatabase& database, std::int32_t from, std::int32_t to);

// Brings a hub of an older format to this one, in one transaction of its own.
Result<void> migrate(SqliteDatabase& database);

// Settings of every connection: the write-ahead log, and how far an acknowledged write has come. `durable`:
// to the disk; otherwise a power cut may take the newest writes back (never out of order, never in part).
Result<void> configure_connection(SqliteDatabase& database, bool durable);

}  // namespace changevault
