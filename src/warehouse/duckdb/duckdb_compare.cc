// One cell of the table against the archive's ids.
#include "warehouse/duckdb/duckdb_places.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

// Ids of cv_cell that nobody asked for and that stand outside the cell as well.
Result<std::int64_t> count_copies(DuckDbConnection& connection, const TableName& table) {
  CV_TRY(connection.run(
      "CREATE OR REPLACE TEMPORARY TABLE cv_unasked AS SELECT event_id, n FROM "
      "temp.main.cv_cell ANTI JOIN temp.main.cv_ids ON event_id = id WHERE event_id IS NOT NULL"));
  CV_ASSIGN(const std::int64_t unasked, connection.count("SELECT count(*) FROM temp.main.cv_unasked"));
  if (unasked == 0) return 0;
  return connection.count("SELECT count(*) FROM (SELECT t.event_id FROM " + table.sql() +
                          " t JOIN temp.main.cv_unasked u ON t.event_id = u.event_id "
                          "GROUP BY t.event_id HAVING count(*) > any_value(u.n))");
}

// Adds the place of a row; rows come ordered by place.
void add(std::vector<IdsAt>& places, const DuckDbRows& row) {
  const std::optional<Hour> hour = row.is_null(1) ? std::nullopt : std::optional(Hour{row.integer(1)});
  Namespace ns{std::string(row.text(2)), std::string(row.text(3))};
  if (places.empty() || places.back().hour != hour || places.back().ns != ns)
    places.push_back({hour, std::move(ns), {}});
  places.back().ids.emplace_back(row.text(4));
}

// Where wanted ids stand outside the cell.
Result<void> find_elsewhere(DuckDbConnection& connection, const TableName& table, Hour hour,
                            const Namespace& ns, IdComparison& out) {
  DuckDbValues values;
  const std::string condition = cell_condition(hour, ns, values);
  CV_TRY(connection.run(
      std::string("CREATE OR REPLACE TEMPORARY TABLE cv_others AS SELECT event_id IN (SELECT event_id FROM "
                  "temp.main.cv_cell WHERE event_id IS NOT NULL) AS here, CASE WHEN ") +
          kHasTime + " THEN hour END AS hour, database, collection, event_id FROM (SELECT " + kPlaceOfRow +
          ", enqueued_time, event_id FROM " + table.sql() +
          " SEMI JOIN temp.main.cv_ids ON event_id = id WHERE NOT (" + condition + ")) GROUP BY ALL",
      values));
  CV_ASSIGN(out.elsewhere,
            connection.count("SELECT count(DISTINCT event_id) FROM temp.main.cv_others WHERE NOT here"));
  CV_ASSIGN(DuckDbRows rows,
            connection.query("SELECT here::BIGINT, hour, database, collection, event_id FROM "
                             "temp.main.cv_others ORDER BY ALL"));
  while (rows.next()) add(rows.integer(0) == 0 ? out.elsewhere_at : out.also_at, rows);
  return {};
}

}  // namespace

Result<IdComparison> DuckDbWarehouse::compare(Hour hour, const Namespace& ns,
                                              const std::vector<std::string>& ids) {
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
  IdComparison out;
  CV_TRY(find_elsewhere(connection, table_, hour, ns, out));
  CV_ASSIGN(const std::int64_t absent,
            connection.count("SELECT count(DISTINCT id) FROM temp.main.cv_ids ANTI JOIN temp.main.cv_cell ON "
                             "id = event_id"));
  out.missing = absent - out.elsewhere;
  CV_ASSIGN(out.duplicate, connection.count("SELECT coalesce(sum(n - 1), 0)::BIGINT FROM temp.main.cv_cell "
                                            "WHERE event_id IS NOT NULL"));
  CV_ASSIGN(out.extra, connection.count("SELECT coalesce(sum(n), 0)::BIGINT FROM temp.main.cv_cell "
                                        "ANTI JOIN temp.main.cv_ids ON event_id = id"));
  if (out.extra > 0) {
    CV_ASSIGN(DuckDbRows some,
              connection.query("SELECT event_id FROM temp.main.cv_cell ANTI JOIN "
                               "temp.main.cv_ids ON event_id = id WHERE event_id IS NOT NULL "
                               "ORDER BY event_id LIMIT " +
                               std::to_string(kExtraIdsShown)));
    while (some.next()) out.extra_ids.emplace_back(some.text(0));
  }
  CV_ASSIGN(const std::int64_t copies, count_copies(connection, table_));
  out.duplicate += copies;
  return out;
}

}  // namespace changevault
