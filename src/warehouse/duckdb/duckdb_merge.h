// The one transaction of a recovery that changes the table.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "warehouse/duckdb/duckdb_session.h"
#include "warehouse/duckdb/duckdb_sql.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct MergeTables {
  const TableName& table;
  const TableName& loads;
  const TableName& lock;
  const TableName& stage;
};

// What the load records say of an earlier merge of this recovery; nullopt: there was none.
Result<std::optional<MergeOutcome>> find_merge(DuckDbConnection& connection, const TableName& loads,
                                               const TableName& table, const std::string& id);

// One attempt of Warehouse::merge, at `now`. The side table decides which rows are to be inserted; the rows
// themselves come from the feed, so documents are written once, and nothing that somebody did to a side
// table reaches the table.
Result<MergeOutcome> merge_stage(DuckDbConnection& connection, const MergeTables& tables,
                                 const std::string& id, Timestamp now, std::span<const SegmentRef> segments,
                                 RecordFeed& feed);

}  // namespace changevault
