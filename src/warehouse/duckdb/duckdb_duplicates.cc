// Rows that stand more than once: found, listed in a side table, and all but the first of each removed.
//
// Two rows are equal where all columns of the record are; when they were loaded says nothing about the event.
// Texts are compared by their SHA-256, so documents are never held beside each other.
#include <optional>

#include <fmt/format.h>

#include "warehouse/duckdb/duckdb_functions.h"
#include "warehouse/duckdb/duckdb_lock.h"
#include "warehouse/duckdb/duckdb_places.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

std::string hash_of(const Column& column, const std::string& prefix) {
  return "coalesce(sha256(" + prefix + quote_identifier(column.name) + "::VARCHAR), '-')";
}

// One text for all columns of a record.
std::string content_of_row(const std::string& prefix) {
  std::string out = "sha256(concat_ws('|'";
  for (const Column& column : kRecordColumns) out += ", " + hash_of(column, prefix);
  return out + "))";
}

// The columns in which rows of one event_id differ, as an aggregate.
std::string differing_columns(const std::string& prefix) {
  std::string out = "concat_ws(', '";
  for (const Column& column : kRecordColumns) {
    const std::string hash = hash_of(column, prefix);
    out.append(", CASE WHEN min(").append(hash).append(") <> max(").append(hash);
    out.append(") THEN ").append(quote_text(column.name)).append(" END");
  }
  return out + ")";
}

// Finds, in temporary tables of the connection: cv_doubled, each event_id of the scope that stands more than
// once in the table, and cv_copies, all of its rows. To be asked within one transaction.
class DuplicateSearch {
 public:
  DuplicateSearch(DuckDbConnection& connection, const TableName& table, const Scope& scope)
      : connection_(connection), table_(table.sql()), scope_(scope) {}

  // False where there is none.
  Result<bool> run() {
    CV_TRY(choose_names());
    CV_TRY(find_bits());
    CV_ASSIGN(const std::int64_t twice, connection_.count("SELECT count(*) FROM temp.main.cv_twice"));
    if (twice == 0) return false;
    CV_TRY(
        connection_.run("CREATE OR REPLACE TEMPORARY TABLE cv_candidates AS SELECT t.rowid AS rid, "
                        "event_id, " +
                        in_scope() + " AS asked FROM " + table_ +
                        " t SEMI JOIN temp.main.cv_twice ON hash(event_id) = bits WHERE event_id IS NOT "
                        "NULL"));
    CV_TRY(
        connection_.run("CREATE OR REPLACE TEMPORARY TABLE cv_ids_doubled AS SELECT event_id FROM "
                        "temp.main.cv_candidates GROUP BY event_id HAVING count(*) > 1 AND bool_or(asked)"));
    CV_ASSIGN(const std::int64_t found, connection_.count("SELECT count(*) FROM temp.main.cv_ids_doubled"));
    if (found == 0) return false;
    CV_TRY(read_contents());
    return true;
  }

 private:
  // Names may be globs, which are ours to match.
  Result<void> choose_names() {
    CV_TRY(
        connection_.run("CREATE OR REPLACE TEMPORARY TABLE cv_names (database VARCHAR, collection VARCHAR)"));
    CV_ASSIGN(DuckDbRows rows,
              connection_.query("SELECT DISTINCT coalesce(database_name, ''), coalesce(collection_name, '') "
                                "FROM " +
                                table_));
    while (rows.next()) {
      const Namespace ns{std::string(rows.text(0)), std::string(rows.text(1))};
      if (!scope_.matches(ns)) continue;
      CV_TRY(connection_.run("INSERT INTO temp.main.cv_names VALUES (?, ?)", {ns.database, ns.collection}));
    }
    return {};
  }

  // Of a row. Rows of no hour are asked for only where no time is named.
  std::string in_scope() const {
    const bool any_time = scope_.time == TimeRange{} && !scope_.hours_of_day;
    std::string out =
        "((coalesce(database_name, ''), coalesce(collection_name, '')) IN (SELECT (database, collection) "
        "FROM temp.main.cv_names)";
    if (!any_time) out += std::string(" AND ") + kHasTime + time_conditions(scope_.time);
    if (scope_.hours_of_day) {
      out += fmt::format(" AND extract('hour' FROM enqueued_time) BETWEEN {} AND {}",
                         scope_.hours_of_day->first, scope_.hours_of_day->second);
    }
    return out + ")";
  }

  // Ids that stand twice are rare: they are found by 64 of their bits.
  Result<void> find_bits() {
    CV_TRY(
        connection_.run("CREATE OR REPLACE TEMPORARY TABLE cv_asked AS SELECT DISTINCT hash(event_id) AS "
                        "bits FROM " +
                        table_ + " WHERE event_id IS NOT NULL AND " + in_scope()));
    return connection_.run(
        "CREATE OR REPLACE TEMPORARY TABLE cv_twice AS SELECT bits FROM (SELECT hash(event_id) AS bits "
        "FROM " +
        table_ +
        " WHERE event_id IS NOT NULL) SEMI JOIN temp.main.cv_asked USING (bits) GROUP BY bits HAVING "
        "count(*) > 1");
  }

  Result<void> read_contents() {
    CV_TRY(connection_.run(
        "CREATE OR REPLACE TEMPORARY TABLE cv_copies AS SELECT t.rowid AS rid, t.event_id, " +
        std::string(kPlaceOfRow) + ", " + kHasTime + " AS timed, " + content_of_row("t.") +
        " AS content FROM " + table_ +
        " t WHERE t.rowid IN (SELECT rid FROM temp.main.cv_candidates SEMI JOIN temp.main.cv_ids_doubled "
        "USING (event_id))"));
    return connection_.run(
        "CREATE OR REPLACE TEMPORARY TABLE cv_doubled AS SELECT event_id, count(*) AS n, min(content) AS "
        "content, min(content) = max(content) AS equal FROM temp.main.cv_copies GROUP BY event_id");
  }

  DuckDbConnection& connection_;
  std::string table_;
  const Scope& scope_;
};

Result<void> read_cells(DuckDbConnection& connection, DuplicateFacts& out) {
  CV_ASSIGN(
      DuckDbRows rows,
      connection.query("SELECT timed::BIGINT, CASE WHEN timed THEN hour END AS hour, database, collection, "
                       "count(DISTINCT event_id) FILTER "
                       "(equal), count(*) FILTER (equal), count(DISTINCT event_id) FILTER (NOT equal), "
                       "count(*) FILTER (NOT equal) FROM temp.main.cv_copies JOIN temp.main.cv_doubled d "
                       "USING (event_id) GROUP BY ALL ORDER BY 3, 4, 1, 2"));
  while (rows.next()) {
    DuplicateCell cell;
    if (rows.integer(0) != 0) cell.hour = Hour{rows.integer(1)};
    cell.ns = {std::string(rows.text(2)), std::string(rows.text(3))};
    cell.ids = rows.integer(4);
    cell.rows = rows.integer(5);
    cell.unequal_ids = rows.integer(6);
    cell.unequal_rows = rows.integer(7);
    out.cells.push_back(std::move(cell));
  }
  return {};
}

Result<void> read_examples(DuckDbConnection& connection, const TableName& table, std::size_t most,
                           DuplicateFacts& out) {
  CV_ASSIGN(
      DuckDbRows equal,
      connection.query("SELECT event_id, n FROM temp.main.cv_doubled WHERE equal ORDER BY event_id LIMIT " +
                       std::to_string(most)));
  while (equal.next()) out.examples.push_back({std::string(equal.text(0)), equal.integer(1), {}});
  CV_ASSIGN(
      DuckDbRows unequal,
      connection.query("SELECT t.event_id, count(*), " + differing_columns("t.") + " FROM " + table.sql() +
                       " t WHERE t.rowid IN (SELECT rid FROM temp.main.cv_copies SEMI JOIN (SELECT "
                       "event_id FROM temp.main.cv_doubled WHERE NOT equal ORDER BY event_id LIMIT " +
                       std::to_string(most) + ") USING (event_id)) GROUP BY t.event_id ORDER BY ALL"));
  while (unequal.next())
    out.unequal.push_back({std::string(unequal.text(0)), unequal.integer(1), std::string(unequal.text(2))});
  return {};
}

constexpr const char* kSumOfStage =
    "count(*), coalesce(sum(rows), 0)::BIGINT, (coalesce(sum(cv_exact_bits(event_id)), 0) & "
    "18446744073709551615::HUGEINT)::UBIGINT";

// All but the first row of each event_id of a part, in one transaction.
class Removal {
 public:
  Removal(DuckDbConnection& connection, const TableName& table, const TableName& lock, const TableName& stage,
          std::int64_t part)
      : connection_(connection),
        table_(table.sql()),
        lock_(lock),
        stage_(stage.sql()),
        name_(stage.name),
        part_(std::to_string(part)) {}

  Result<std::int64_t> run() {
    CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection_));
    CV_TRY(take_lock(connection_, lock_));
    CV_ASSIGN(const std::optional<std::int64_t> before, removed_before());
    if (before) return *before;
    CV_TRY(check_rows());
    CV_ASSIGN(const std::int64_t removed, remove());
    CV_TRY(check_left());
    CV_TRY(connection_.run("UPDATE " + stage_ + " SET removed = rows - 1 WHERE part = " + part_));
    CV_TRY(transaction.commit());
    return removed;
  }

 private:
  Result<std::optional<std::int64_t>> removed_before() {
    CV_ASSIGN(DuckDbRows rows,
              connection_.query("SELECT count(*), count(*) FILTER (removed IS NULL), coalesce(sum(removed), "
                                "0)::BIGINT, sum(rows - 1)::BIGINT FROM " +
                                stage_ + " WHERE part = " + part_));
    if (!rows.next() || rows.integer(0) == 0)
      return Error(ErrorCode::kUsage, "the side table has no such part", name_);
    planned_ = rows.integer(3);
    ids_ = rows.integer(0);
    return rows.integer(1) == 0 ? std::optional(rows.integer(2)) : std::nullopt;
  }

  // Somebody may have changed or removed rows since they were looked at.
  Result<void> check_rows() {
    CV_TRY(
        connection_.run("CREATE OR REPLACE TEMPORARY TABLE cv_part AS SELECT t.rowid AS rid, t.event_id, " +
                        content_of_row("t.") + " AS content FROM " + table_ +
                        " t SEMI JOIN (SELECT event_id "
                        "FROM " +
                        stage_ + " WHERE part = " + part_ + ") s ON t.event_id = s.event_id"));
    CV_ASSIGN(
        const std::int64_t changed,
        connection_.count(
            "SELECT count(*) FROM " + stage_ +
            " s LEFT JOIN (SELECT event_id, count(*) AS n, min(content) AS low, max(content) AS high FROM "
            "temp.main.cv_part GROUP BY event_id) p ON s.event_id = p.event_id WHERE s.part = " +
            part_ +
            " AND (p.n IS DISTINCT FROM s.rows OR p.low IS DISTINCT FROM s.content OR p.high IS DISTINCT "
            "FROM s.content)"));
    if (changed == 0) return {};
    return Error(
        ErrorCode::kStalePlan,
        "rows of " + std::to_string(changed) + " event_ids are not as they were when this was planned", name_,
        "make a new plan: changevault recover --remove-duplicates");
  }

  Result<std::int64_t> remove() {
    CV_ASSIGN(const std::int64_t before, connection_.count("SELECT count(*) FROM " + table_));
    CV_ASSIGN(
        DuckDbRows deleted,
        connection_.query("DELETE FROM " + table_ +
                          " WHERE rowid IN (SELECT rid FROM (SELECT rid, row_number() OVER (PARTITION BY "
                          "event_id ORDER BY rid) AS n FROM temp.main.cv_part) WHERE n > 1)"));
    const std::int64_t removed = deleted.rows_changed();
    CV_ASSIGN(const std::int64_t after, connection_.count("SELECT count(*) FROM " + table_));
    if (removed == planned_ && before - removed == after) return removed;
    return Error(
        ErrorCode::kInternal,
        fmt::format("{} rows were to be removed and {} would have been ({} before, {} after); nothing "
                    "was",
                    planned_, removed, before, after),
        name_);
  }

  Result<void> check_left() {
    CV_ASSIGN(const std::int64_t once,
              connection_.count("SELECT count(*) FROM (SELECT t.event_id FROM " + table_ +
                                " t SEMI JOIN temp.main.cv_part p ON t.event_id = p.event_id GROUP BY "
                                "t.event_id HAVING count(*) = 1)"));
    if (once == ids_) return {};
    return Error(ErrorCode::kInternal, "an event_id would not stand exactly once; nothing was removed",
                 name_);
  }

  DuckDbConnection& connection_;
  std::string table_;
  const TableName& lock_;
  std::string stage_;
  std::string name_;
  std::string part_;
  std::int64_t planned_ = 0;
  std::int64_t ids_ = 0;
};

}  // namespace

Result<DuplicateFacts> DuckDbWarehouse::duplicates(const Scope& scope, std::size_t examples) {
  CV_ASSIGN(Step step, begin_step());
  DuckDbConnection& connection = step.connection;
  CV_TRY(retry_transaction(step.patience, [&] { return register_functions(connection); }));
  CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection));
  DuplicateFacts out;
  CV_ASSIGN(const bool any, DuplicateSearch(connection, table_, scope).run());
  if (!any) return out;
  CV_TRY(read_cells(connection, out));
  CV_TRY(read_examples(connection, table_, examples, out));
  CV_ASSIGN(DuckDbRows sum, connection.query(std::string("SELECT ") + kSumOfStage +
                                             " FROM (SELECT event_id, n AS rows FROM temp.main.cv_doubled "
                                             "WHERE equal)"));
  if (sum.next()) out.sum = {sum.integer(0), sum.integer(1), sum.natural(2)};
  return out;
}

Result<void> DuckDbWarehouse::stage_duplicates(const std::string& id, const Scope& scope,
                                               std::int64_t rows_of_part) {
  CV_ASSIGN(const TableName stage, stage_table(id));
  CV_ASSIGN(Step step, begin_step());
  DuckDbConnection& connection = step.connection;
  return retry_transaction(step.patience, [&]() -> Result<void> {
    CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection));
    CV_ASSIGN(const bool any, DuplicateSearch(connection, table_, scope).run());
    CV_TRY(connection.run("CREATE OR REPLACE TABLE " + stage.sql() +
                          " (event_id VARCHAR, rows BIGINT, content VARCHAR, part BIGINT, removed BIGINT)"));
    if (any) {
      CV_TRY(
          connection.run("INSERT INTO " + stage.sql() +
                         " SELECT event_id, n, content, dense_rank() OVER (ORDER BY step) - 1, NULL FROM "
                         "(SELECT event_id, n, content, (sum(n - 1) OVER (ORDER BY event_id ROWS UNBOUNDED "
                         "PRECEDING) - (n - 1)) // " +
                         std::to_string(rows_of_part) +
                         " AS step FROM temp.main.cv_doubled WHERE equal) ORDER BY event_id"));
    }
    return transaction.commit();
  });
}

Result<DuplicateStage> DuckDbWarehouse::duplicate_stage(const std::string& id) {
  CV_ASSIGN(Step step, begin_stage_step(id));
  CV_ASSIGN(const TableName stage, stage_table(id));
  CV_TRY(retry_transaction(step.patience, [&] { return register_functions(step.connection); }));
  CV_ASSIGN(DuckDbRows rows, step.connection.query(std::string("SELECT ") + kSumOfStage +
                                                   ", coalesce(max(part) + 1, 0), coalesce(sum(removed), "
                                                   "0)::BIGINT FROM " +
                                                   stage.sql()));
  DuplicateStage out;
  if (!rows.next()) return out;
  out.sum = {rows.integer(0), rows.integer(1), rows.natural(2)};
  out.parts = rows.integer(3);
  out.removed = rows.integer(4);
  return out;
}

Result<std::int64_t> DuckDbWarehouse::remove_duplicates(const std::string& id, std::int64_t part) {
  CV_ASSIGN(Step step, begin_stage_step(id));
  CV_ASSIGN(const TableName stage, stage_table(id));
  return retry_transaction(step.patience,
                           [&] { return Removal(step.connection, table_, lock_, stage, part).run(); });
}

}  // namespace changevault
