// Rows that none of the hours in question has.
#include <algorithm>
#include <tuple>

#include "warehouse/duckdb/duckdb_places.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

constexpr const char* kNamesOfRow =
    "coalesce(database_name, '') AS database, coalesce(collection_name, '') AS collection";

// RowTime of a row of the scope that is outside `hours`, NULL of every other.
std::string side_of_row(const Scope& scope, const TimeRange& hours) {
  std::string asked = time_conditions(scope.time);
  if (scope.hours_of_day) {
    asked += " AND extract('hour' FROM enqueued_time) BETWEEN " + std::to_string(scope.hours_of_day->first) +
             " AND " + std::to_string(scope.hours_of_day->second);
  }
  const bool any_time = scope.time == TimeRange{} && !scope.hours_of_day;
  const auto side = [](RowTime time) { return std::to_string(static_cast<int>(time)); };
  return std::string("CASE WHEN NOT ") + kHasTime + " THEN " + (any_time ? side(RowTime::kNone) : "NULL") +
         " WHEN NOT (true" + asked + ") THEN NULL WHEN NOT (true" +
         time_conditions({hours.from, TimeRange{}.to}) + ") THEN " + side(RowTime::kBefore) +
         " WHEN NOT (true" + time_conditions({TimeRange{}.from, hours.to}) + ") THEN " +
         side(RowTime::kAfter) + " END";
}

struct Question {
  std::string side;   // of a row, as in side_of_row
  std::string names;  // " AND …": the collections
  DuckDbValues values;
};

OutsideRows place_of(const DuckDbRows& row) {
  OutsideRows out;
  out.ns = {std::string(row.text(0)), std::string(row.text(1))};
  out.time = static_cast<RowTime>(row.integer(2));
  return out;
}

bool before(const OutsideRows& a, const OutsideRows& b) {
  return std::tie(a.ns, a.time) < std::tie(b.ns, b.time);
}

Result<std::vector<OutsideRows>> count_rows(DuckDbConnection& connection, const TableName& table,
                                            const Question& question) {
  CV_ASSIGN(
      DuckDbRows rows,
      connection.query(std::string("SELECT database, collection, side, count(*), epoch_ms(min(finite_time)), "
                                   "epoch_ms(max(finite_time)) FROM (SELECT ") +
                           kNamesOfRow + ", " + question.side + "::BIGINT AS side, CASE WHEN " + kHasTime +
                           " THEN enqueued_time END AS finite_time FROM " + table.sql() + " WHERE true" +
                           question.names + ") WHERE side IS NOT NULL GROUP BY ALL",
                       question.values));
  std::vector<OutsideRows> out;
  while (rows.next()) {
    out.push_back(place_of(rows));
    out.back().rows = rows.integer(3);
    if (!rows.is_null(4)) out.back().earliest = Timestamp{rows.integer(4)};
    if (!rows.is_null(5)) out.back().latest = Timestamp{rows.integer(5)};
  }
  std::sort(out.begin(), out.end(), before);
  return out;
}

// As cells are counted: ids that stand twice are found by 64 of their bits, and compared by their texts.
Result<void> count_copies(DuckDbConnection& connection, const TableName& table, const Question& question,
                          std::vector<OutsideRows>& places) {
  CV_TRY(connection.run(
      "CREATE OR REPLACE TEMPORARY TABLE cv_outside AS SELECT DISTINCT hash(event_id) AS bits FROM " +
          table.sql() + " WHERE event_id IS NOT NULL" + question.names + " AND (" + question.side +
          ") IS NOT NULL",
      question.values));
  CV_TRY(connection.run(
      "CREATE OR REPLACE TEMPORARY TABLE cv_twice AS SELECT bits FROM (SELECT hash(event_id) AS bits FROM " +
      table.sql() +
      " WHERE event_id IS NOT NULL) SEMI JOIN temp.main.cv_outside USING (bits) GROUP BY bits "
      "HAVING count(*) > 1"));
  CV_ASSIGN(const std::int64_t twice, connection.count("SELECT count(*) FROM temp.main.cv_twice"));
  if (twice == 0) return {};
  // A row that is not in question comes first: whatever is outside beside it is a copy.
  CV_ASSIGN(
      DuckDbRows rows,
      connection.query(
          "SELECT database, collection, side, count(*) FROM (SELECT database, collection, side, "
          "row_number() OVER (PARTITION BY event_id ORDER BY side NULLS FIRST, database, collection) AS n "
          "FROM (SELECT " +
              std::string(kNamesOfRow) + ", CASE WHEN true" + question.names + " THEN " + question.side +
              " END::BIGINT AS side, event_id FROM " + table.sql() +
              " SEMI JOIN temp.main.cv_twice ON hash(event_id) = bits WHERE event_id IS NOT NULL)) "
              "WHERE side IS NOT NULL AND n > 1 GROUP BY ALL",
          question.values));
  while (rows.next()) {
    const OutsideRows place = place_of(rows);
    const auto found = std::lower_bound(places.begin(), places.end(), place, before);
    if (found != places.end() && !before(place, *found)) found->copies = rows.integer(3);
  }
  return {};
}

}  // namespace

Result<std::vector<OutsideRows>> DuckDbWarehouse::outside(const Scope& scope, const TimeRange& hours) {
  CV_ASSIGN(Step step, begin_step());
  CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(step.connection));
  Question question{side_of_row(scope, hours), "", {}};
  add_name_condition("database_name", scope.database, question.names, question.values);
  add_name_condition("collection_name", scope.collection, question.names, question.values);
  CV_ASSIGN(std::vector<OutsideRows> out, count_rows(step.connection, table_, question));
  if (!out.empty()) CV_TRY(count_copies(step.connection, table_, question, out));
  std::erase_if(out, [&](const OutsideRows& rows) { return !scope.matches(rows.ns); });
  return out;
}

}  // namespace changevault
