// Counting the table: cells for coverage, and one cell against the archive's ids.
#include <algorithm>
#include <tuple>

#include "warehouse/duckdb/duckdb_functions.h"
#include "warehouse/duckdb/duckdb_lock.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

// The hour (rounded down, also before 1970), database and collection of a row.
constexpr const char* kPlace =
    "(epoch_ms(enqueued_time) + 10800000000000000) // 3600000 - 3000000000 AS hour, "
    "coalesce(database_name, '') AS database, coalesce(collection_name, '') AS collection";

bool before(const WarehouseCell& a, const WarehouseCell& b) {
  return std::tie(a.hour, a.ns) < std::tie(b.hour, b.ns);
}

// Takes rows beyond one per event_id off `distinct` of their cells, which are ordered.
Result<void> take_off_repeats(DuckDbConnection& connection, const TableName& table, const std::string& where,
                              const DuckDbValues& values, std::vector<WarehouseCell>& cells) {
  CV_TRY(
      connection.run("CREATE OR REPLACE TEMPORARY TABLE cv_twice AS SELECT bits FROM (SELECT "
                     "hash(event_id) AS bits FROM " +
                         table.sql() + where + " AND event_id IS NOT NULL) GROUP BY bits HAVING count(*) > 1",
                     values));
  CV_ASSIGN(const std::int64_t twice, connection.count("SELECT count(*) FROM temp.main.cv_twice"));
  if (twice == 0) return {};
  CV_ASSIGN(
      DuckDbRows rows,
      connection.query(std::string("SELECT hour, database, collection, sum(n - 1)::BIGINT FROM (SELECT ") +
                           kPlace + ", event_id, count(*) AS n FROM " + table.sql() +
                           " SEMI JOIN temp.main.cv_twice ON hash(event_id) = bits" + where +
                           " AND event_id IS NOT NULL GROUP BY ALL HAVING count(*) > 1) GROUP BY ALL",
                       values));
  while (rows.next()) {
    WarehouseCell place;
    place.hour = {rows.integer(0)};
    place.ns = {std::string(rows.text(1)), std::string(rows.text(2))};
    const auto cell = std::lower_bound(cells.begin(), cells.end(), place, before);
    if (cell != cells.end() && !before(place, *cell)) cell->distinct -= rows.integer(3);
  }
  return {};
}

bool is_glob(const std::string& name) {
  return name.find_first_of("*?[\\") != std::string::npos;
}

// The whole hours of `time`, as conditions on enqueued_time. Bounds beyond what a TIMESTAMP can hold are
// none.
void add_time_conditions(const TimeRange& time, std::string& where, DuckDbValues& values) {
  constexpr std::int64_t kLimit = INT64_MAX / 4000;
  if (time.from.ms > -kLimit) {
    where += " AND enqueued_time >= make_timestamp(?)";
    values.emplace_back(hour_of(time.from).start().ms * 1000);
  }
  if (time.to.ms < kLimit) {
    where += " AND enqueued_time < make_timestamp(?)";
    values.emplace_back(hour_of({time.to.ms + kHourMs - 1}).start().ms * 1000);
  }
}

void add_name_condition(const char* column, const std::string& name, std::string& where,
                        DuckDbValues& values) {
  if (name.empty() || is_glob(name)) return;
  where += std::string(" AND ") + column + " = ?";
  values.emplace_back(name);
}

// The rows of one cell.
std::string cell_condition(Hour hour, const Namespace& ns, DuckDbValues& values) {
  values.emplace_back(hour.start().ms * 1000);
  values.emplace_back(hour.end().ms * 1000);
  values.emplace_back(ns.database);
  values.emplace_back(ns.collection);
  return "enqueued_time >= make_timestamp(?) AND enqueued_time < make_timestamp(?) AND "
         "coalesce(database_name, '') = ? AND coalesce(collection_name, '') = ?";
}

// Ids of cv_cell that nobody asked for and that stand outside the cell as well.
Result<std::int64_t> count_copies(DuckDbConnection& connection, const TableName& table) {
  CV_TRY(
      connection.run("CREATE OR REPLACE TEMPORARY TABLE cv_unasked AS SELECT event_id, n FROM "
                     "temp.main.cv_cell ANTI JOIN temp.main.cv_ids ON event_id = id"));
  return connection.count("SELECT count(*) FROM (SELECT t.event_id FROM " + table.sql() +
                          " t JOIN temp.main.cv_unasked u ON t.event_id = u.event_id "
                          "GROUP BY t.event_id HAVING count(*) > any_value(u.n))");
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
  add_time_conditions(scope.time, where, values);
  CV_ASSIGN(DuckDbRows rows,
            connection.query(std::string("SELECT ") + kPlace +
                                 ", count(*), (coalesce(sum(cv_digest_bits(event_id)), 0) & "
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
  CV_TRY(take_off_repeats(connection, table_, where, values, out));
  return out;
}

Result<std::int64_t> DuckDbWarehouse::count_present(const std::vector<std::string>& ids) {
  CV_ASSIGN(Step step, begin_step());
  CV_TRY(IdTable::fill(step.connection, ids));
  return step.connection.count("SELECT count(DISTINCT event_id) FROM " + table_.sql() +
                               " SEMI JOIN temp.main.cv_ids ON event_id = id");
}

Result<IdComparison> DuckDbWarehouse::compare(Hour hour, const Namespace& ns,
                                              const std::vector<std::string>& ids, std::size_t extra_limit) {
  CV_ASSIGN(Step step, begin_step());
  DuckDbConnection& connection = step.connection;
  CV_TRY(IdTable::fill(connection, ids));
  // One snapshot for all questions.
  CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection));
  DuckDbValues values;
  const std::string condition = cell_condition(hour, ns, values);
  CV_TRY(connection.run("CREATE OR REPLACE TEMPORARY TABLE cv_cell AS SELECT event_id, count(*) AS n FROM " +
                            table_.sql() + " WHERE " + condition + " GROUP BY event_id",
                        values));
  // Wanted ids that the cell has not; then, of those, the ones that stand anywhere.
  CV_TRY(connection.run(
      "CREATE OR REPLACE TEMPORARY TABLE cv_absent AS SELECT DISTINCT id FROM temp.main.cv_ids "
      "ANTI JOIN temp.main.cv_cell ON id = event_id"));
  IdComparison out;
  CV_ASSIGN(out.elsewhere, connection.count("SELECT count(DISTINCT event_id) FROM " + table_.sql() +
                                            " SEMI JOIN temp.main.cv_absent ON event_id = id"));
  CV_ASSIGN(const std::int64_t absent, connection.count("SELECT count(*) FROM temp.main.cv_absent"));
  out.missing = absent - out.elsewhere;
  CV_ASSIGN(out.duplicate, connection.count("SELECT coalesce(sum(n - 1), 0)::BIGINT FROM temp.main.cv_cell "
                                            "WHERE event_id IS NOT NULL"));
  CV_ASSIGN(DuckDbRows extra,
            connection.query("SELECT event_id, n FROM temp.main.cv_cell "
                             "ANTI JOIN temp.main.cv_ids ON event_id = id ORDER BY event_id"));
  while (extra.next()) {
    out.extra_count += extra.integer(1);
    if (!extra.is_null(0) && out.extra.size() < extra_limit) out.extra.emplace_back(extra.text(0));
  }
  if (out.extra.empty()) return out;
  CV_ASSIGN(const std::int64_t copies, count_copies(connection, table_));
  out.duplicate += copies;
  return out;
}

}  // namespace changevault
