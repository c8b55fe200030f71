// Cells of the table against the archive's ids, all of them in a few readings of the table.
#include <algorithm>
#include <functional>

#include "warehouse/duckdb/duckdb_places.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

// Temporary tables, in which a cell is known by its tag, its place in what was asked: cv_ids (the ids asked
// for), cv_asked (the cells' places), cv_cell (what each cell holds), cv_others (other places of ids that
// were asked for), cv_unasked (ids that a cell holds and that nobody asked for).

Result<void> fill_ids(DuckDbConnection& connection, std::span<const CellIds> cells) {
  CV_ASSIGN(IdTable table, IdTable::open(connection));
  for (std::size_t tag = 0; tag < cells.size(); ++tag) {
    for (const std::string& id : cells[tag].ids) CV_TRY(table.add(id, static_cast<std::int64_t>(tag)));
  }
  return table.close();
}

Result<void> fill_cells(DuckDbConnection& connection, std::span<const CellIds> cells) {
  constexpr std::size_t kInOneStatement = 256;
  CV_TRY(
      connection.run("CREATE OR REPLACE TEMPORARY TABLE cv_asked (tag BIGINT, hour BIGINT, database VARCHAR, "
                     "collection VARCHAR)"));
  for (std::size_t first = 0; first < cells.size(); first += kInOneStatement) {
    std::string rows;
    DuckDbValues values;
    for (std::size_t tag = first; tag < std::min(cells.size(), first + kInOneStatement); ++tag) {
      rows += (rows.empty() ? "(" : ", (") + std::to_string(tag) + ", " +
              std::to_string(cells[tag].hour.index) + ", ?, ?)";
      values.emplace_back(cells[tag].ns.database);
      values.emplace_back(cells[tag].ns.collection);
    }
    CV_TRY(connection.run("INSERT INTO temp.main.cv_asked VALUES " + rows, values));
  }
  return {};
}

TimeRange hours_of(std::span<const CellIds> cells) {
  const auto [first, last] = std::ranges::minmax_element(cells, {}, &CellIds::hour);
  return {first->hour.start(), last->hour.end()};
}

Result<void> read_cells(DuckDbConnection& connection, const TableName& table, const TimeRange& hours) {
  return connection.run(
      std::string("CREATE OR REPLACE TEMPORARY TABLE cv_cell AS SELECT tag, event_id, count(*) AS n FROM "
                  "(SELECT ") +
      kPlaceOfRow + ", event_id FROM " + table.sql() + " WHERE " + kHasTime + time_conditions(hours) +
      ") JOIN temp.main.cv_asked USING (hour, database, collection) GROUP BY tag, event_id");
}

Result<void> read_others(DuckDbConnection& connection, const TableName& table) {
  CV_TRY(connection.run(std::string("CREATE OR REPLACE TEMPORARY TABLE cv_found AS SELECT CASE WHEN ") +
                        kHasTime + " THEN hour END AS hour, database, collection, event_id FROM (SELECT " +
                        kPlaceOfRow + ", enqueued_time, event_id FROM " + table.sql() +
                        " SEMI JOIN temp.main.cv_ids ON event_id = id) GROUP BY ALL"));
  return connection.run(
      "CREATE OR REPLACE TEMPORARY TABLE cv_others AS SELECT i.tag, c.event_id IS NOT NULL AS here, f.hour, "
      "f.database, f.collection, f.event_id FROM (SELECT DISTINCT tag, id FROM temp.main.cv_ids) i "
      "JOIN temp.main.cv_found f ON f.event_id = i.id JOIN temp.main.cv_asked a ON a.tag = i.tag "
      "LEFT JOIN temp.main.cv_cell c ON c.tag = i.tag AND c.event_id = i.id "
      "WHERE NOT (f.hour IS NOT DISTINCT FROM a.hour AND f.database = a.database AND "
      "f.collection = a.collection)");
}

Result<void> read_unasked(DuckDbConnection& connection) {
  return connection.run(
      "CREATE OR REPLACE TEMPORARY TABLE cv_unasked AS SELECT c.tag, event_id, n FROM temp.main.cv_cell c "
      "ANTI JOIN temp.main.cv_ids i ON i.tag = c.tag AND i.id = c.event_id");
}

// Rows of a question begin with the tag of a cell.
using EachOfCell = std::function<void(IdComparison& cell, const DuckDbRows& row)>;

Result<void> for_each_of(DuckDbConnection& connection, const std::string& question,
                         std::vector<IdComparison>& cells, const EachOfCell& each) {
  CV_ASSIGN(DuckDbRows rows, connection.query(question));
  while (rows.next()) each(cells[static_cast<std::size_t>(rows.integer(0))], rows);
  return {};
}

// Rows come ordered by place.
void add_place(std::vector<IdsAt>& places, const DuckDbRows& row) {
  const std::optional<Hour> hour = row.is_null(2) ? std::nullopt : std::optional(Hour{row.integer(2)});
  Namespace ns{std::string(row.text(3)), std::string(row.text(4))};
  if (places.empty() || places.back().hour != hour || places.back().ns != ns)
    places.push_back({hour, std::move(ns), {}});
  places.back().ids.emplace_back(row.text(5));
}

Result<void> count_wanted(DuckDbConnection& connection, std::vector<IdComparison>& cells) {
  CV_TRY(for_each_of(connection,
                     "SELECT i.tag, count(DISTINCT i.id) FROM temp.main.cv_ids i ANTI JOIN "
                     "temp.main.cv_cell c ON c.tag = i.tag AND c.event_id = i.id GROUP BY i.tag",
                     cells,
                     [](IdComparison& cell, const DuckDbRows& row) { cell.missing = row.integer(1); }));
  CV_TRY(for_each_of(
      connection, "SELECT tag, count(DISTINCT event_id) FROM temp.main.cv_others WHERE NOT here GROUP BY tag",
      cells, [](IdComparison& cell, const DuckDbRows& row) {
        cell.elsewhere = row.integer(1);
        cell.missing -= cell.elsewhere;
      }));
  return for_each_of(connection,
                     "SELECT tag, here::BIGINT, hour, database, collection, event_id FROM "
                     "temp.main.cv_others ORDER BY ALL",
                     cells, [](IdComparison& cell, const DuckDbRows& row) {
                       add_place(row.integer(1) == 0 ? cell.elsewhere_at : cell.also_at, row);
                     });
}

Result<void> count_rows(DuckDbConnection& connection, const TableName& table,
                        std::vector<IdComparison>& cells) {
  const auto add_duplicates = [](IdComparison& cell, const DuckDbRows& row) {
    cell.duplicate += row.integer(1);
  };
  CV_TRY(for_each_of(connection,
                     "SELECT tag, sum(n - 1)::BIGINT FROM temp.main.cv_cell WHERE event_id IS NOT NULL "
                     "GROUP BY tag HAVING sum(n - 1) > 0",
                     cells, add_duplicates));
  CV_TRY(for_each_of(connection, "SELECT tag, sum(n)::BIGINT FROM temp.main.cv_unasked GROUP BY tag", cells,
                     [](IdComparison& cell, const DuckDbRows& row) { cell.extra = row.integer(1); }));
  CV_TRY(for_each_of(
      connection,
      "SELECT tag, event_id FROM (SELECT tag, event_id, row_number() OVER (PARTITION BY tag "
      "ORDER BY event_id) AS place FROM temp.main.cv_unasked WHERE event_id IS NOT NULL) "
      "WHERE place <= " +
          std::to_string(kExtraIdsShown) + " ORDER BY ALL",
      cells, [](IdComparison& cell, const DuckDbRows& row) { cell.extra_ids.emplace_back(row.text(1)); }));
  if (std::ranges::none_of(cells, [](const IdComparison& cell) { return cell.extra > 0; })) return {};
  // Those that stand outside the cell as well.
  return for_each_of(connection,
                     "SELECT u.tag, count(*) FROM temp.main.cv_unasked u JOIN (SELECT event_id, count(*) AS "
                     "n FROM " +
                         table.sql() +
                         " t SEMI JOIN temp.main.cv_unasked w ON w.event_id = t.event_id GROUP BY event_id) "
                         "a ON a.event_id = u.event_id WHERE a.n > u.n GROUP BY u.tag",
                     cells, add_duplicates);
}

}  // namespace

Result<std::vector<IdComparison>> DuckDbWarehouse::compare(std::span<const CellIds> cells) {
  std::vector<IdComparison> out(cells.size());
  if (cells.empty()) return out;
  CV_ASSIGN(Step step, begin_step());
  DuckDbConnection& connection = step.connection;
  CV_TRY(fill_ids(connection, cells));
  CV_TRY(fill_cells(connection, cells));
  // One snapshot for all questions.
  CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection));
  CV_TRY(read_cells(connection, table_, hours_of(cells)));
  CV_TRY(read_others(connection, table_));
  CV_TRY(read_unasked(connection));
  CV_TRY(count_wanted(connection, out));
  CV_TRY(count_rows(connection, table_, out));
  return out;
}

}  // namespace changevault
