// Counting the table: cells for coverage.
#include <algorithm>
#include <tuple>

#include "warehouse/duckdb/duckdb_functions.h"
#include "warehouse/duckdb/duckdb_lock.h"
#include "warehouse/duckdb/duckdb_places.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

bool before(const WarehouseCell& a, const WarehouseCell& b) {
  return std::tie(a.hour, a.ns) < std::tie(b.hour, b.ns);
}

// Takes rows beyond one per event_id off `distinct` of their cells, which are ordered, and counts the ids
// that several cells hold.
Result<void> count_repeats(DuckDbConnection& connection, const TableName& table, const std::string& where,
                           const DuckDbValues& values, std::vector<WarehouseCell>& cells) {
  CV_TRY(
      connection.run("CREATE OR REPLACE TEMPORARY TABLE cv_twice AS SELECT bits FROM (SELECT "
                     "hash(event_id) AS bits FROM " +
                         table.sql() + where + " AND event_id IS NOT NULL) GROUP BY bits HAVING count(*) > 1",
                     values));
  CV_ASSIGN(const std::int64_t twice, connection.count("SELECT count(*) FROM temp.main.cv_twice"));
  if (twice == 0) return {};
  CV_ASSIGN(DuckDbRows rows,
            connection.query(
                "SELECT hour, database, collection, sum(n - 1)::BIGINT, count(*) FILTER (places > 1) FROM "
                "(SELECT *, count(*) OVER (PARTITION BY event_id) AS places FROM (SELECT " +
                    std::string(kPlaceOfRow) + ", event_id, count(*) AS n FROM " + table.sql() +
                    " SEMI JOIN temp.main.cv_twice ON hash(event_id) = bits" + where +
                    " AND event_id IS NOT NULL GROUP BY ALL)) GROUP BY ALL",
                values));
  while (rows.next()) {
    WarehouseCell place;
    place.hour = {rows.integer(0)};
    place.ns = {std::string(rows.text(1)), std::string(rows.text(2))};
    const auto cell = std::lower_bound(cells.begin(), cells.end(), place, before);
    if (cell == cells.end() || before(place, *cell)) continue;
    cell->distinct -= rows.integer(3);
    cell->shared = rows.integer(4);
  }
  return {};
}

}  // namespace

// Rows per hour and collection in one pass with small keys. How many different ids they have is not asked of
// every group, which would cost a hash table of texts each: ids that occur twice anywhere are rare, so they
// are found by 64 of their bits first, and only their rows are counted by their texts.
Result<std::vector<WarehouseCell>> DuckDbWarehouse::cells(const Scope& scope) {
  CV_ASSIGN(Step step, begin_step());
  DuckDbConnection& connection = step.connection;
  CV_TRY(retry_transaction(step.patience, [&] { return register_functions(connection); }));
  CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection));
  std::string where = " WHERE isfinite(enqueued_time)";
  DuckDbValues values;
  add_name_condition("database_name", scope.database, where, values);
  add_name_condition("collection_name", scope.collection, where, values);
  where += time_conditions(scope.time);
  CV_ASSIGN(DuckDbRows rows,
            connection.query(std::string("SELECT ") + kPlaceOfRow +
                                 ", count(*), (coalesce(sum(cv_exact_bits(event_id)), 0) & "
                                 "18446744073709551615::HUGEINT)::UBIGINT, count(*) - count(event_id) FROM " +
                                 table_.sql() + where + " GROUP BY ALL",
                             values));
  std::vector<WarehouseCell> out;
  while (rows.next()) {
    WarehouseCell cell;
    cell.hour = {rows.integer(0)};
    cell.ns = {std::string(rows.text(1)), std::string(rows.text(2))};
    if (!scope.matches(cell.ns) || !scope.touches(cell.hour)) continue;
    cell.rows = rows.integer(3);
    cell.digest = rows.natural(4);
    cell.null_ids = rows.integer(5);
    cell.distinct = cell.rows - cell.null_ids;
    out.push_back(std::move(cell));
  }
  std::sort(out.begin(), out.end(), before);
  CV_TRY(count_repeats(connection, table_, where, values, out));
  return out;
}

Result<std::int64_t> DuckDbWarehouse::count_present(const std::vector<std::string>& ids) {
  CV_ASSIGN(Step step, begin_step());
  CV_TRY(IdTable::fill(step.connection, ids));
  return step.connection.count("SELECT count(DISTINCT event_id) FROM " + table_.sql() +
                               " SEMI JOIN temp.main.cv_ids ON event_id = id");
}

Result<std::vector<std::int64_t>> DuckDbWarehouse::count_present_of(
    std::span<const std::vector<std::string>> groups) {
  CV_ASSIGN(Step step, begin_step());
  CV_TRY(IdTable::fill(step.connection, groups));
  CV_ASSIGN(DuckDbRows rows,
            step.connection.query("SELECT tag, count(*) FROM (SELECT DISTINCT event_id FROM " + table_.sql() +
                                  " SEMI JOIN temp.main.cv_ids ON event_id = id) JOIN temp.main.cv_ids ON "
                                  "event_id = id GROUP BY tag"));
  std::vector<std::int64_t> out(groups.size(), 0);
  while (rows.next()) out[static_cast<std::size_t>(rows.integer(0))] = rows.integer(1);
  return out;
}

}  // namespace changevault
