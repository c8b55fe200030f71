// What every transaction that inserts into the table does: the lock row, the load ledger.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "warehouse/duckdb/duckdb_session.h"
#include "warehouse/duckdb/duckdb_sql.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Takes the one row of the lock table for the rest of the transaction. kBusy and retryable where another
// transaction has it or had it since ours began: then what ours reads may be old, and it has to begin again.
Result<void> take_lock(DuckDbConnection& connection, const TableName& lock);

// Writes rows of the load ledger of `table`. All at once: the database keeps a block in memory for each
// single INSERT of a transaction.
Result<void> write_loads(DuckDbConnection& connection, const TableName& loads, const TableName& table,
                         const std::vector<LoadRecord>& records);

// Runs `attempt` until it ends otherwise than by a lost race with another transaction.
template <typename Attempt>
auto retry_transaction(Patience& patience, Attempt&& attempt) {
  while (true) {
    auto result = attempt();
    if (result.has_value() || result.error().code != ErrorCode::kBusy || !result.error().retryable)
      return result;
    if (!patience.wait("another transaction")) {
      Error busy = result.error();
      busy.hint = "another load or recovery is at work: wait for it, or raise the lock timeout";
      result = patience.given_up(std::move(busy));
      return result;
    }
  }
}

}  // namespace changevault
