// Questions to the warehouse's table that only people ask, in plain SQL.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "warehouse/warehouse.h"

namespace changevault {

// A row of one event, as far as its way is told by it.
struct EventRow {
  std::string partition;
  std::optional<std::int64_t> sequence;
  std::optional<Timestamp> enqueued;
  std::string database;
  std::string collection;
  std::string operation;
  std::optional<Timestamp> ingested;
};

// `table` as the configuration names it. No row: an empty list.
Result<std::vector<EventRow>> rows_of_event(Warehouse& warehouse, const std::string& table,
                                            const std::string& event_id);

// The newest record of the load ledger, live or of a recovery; nullopt where there is none. Of its segment
// the key alone.
Result<std::optional<LoadRecord>> newest_load(Warehouse& warehouse, const std::string& table, bool live);

// "name" or "schema.name", parts that are not quoted yet in double quotes.
std::string sql_name(const std::string& table);

}  // namespace changevault
