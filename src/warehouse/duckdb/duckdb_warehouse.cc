#include "warehouse/duckdb/duckdb_warehouse.h"

#include <algorithm>
#include <filesystem>

#include "warehouse/duckdb/duckdb_functions.h"
#include "warehouse/duckdb/duckdb_lock.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/duckdb/duckdb_text_result.h"

namespace changevault {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

LoadRecord read_load(const DuckDbRows& rows) {
  LoadRecord out;
  out.segment = {std::string(rows.text(0)), std::string(rows.text(1)),
                 PartitionId(static_cast<std::int32_t>(rows.integer(2))), Slot(rows.integer(3)),
                 rows.integer(4)};
  out.inserted = rows.integer(5);
  out.already_present = rows.integer(6);
  out.time = {rows.integer(7)};
  out.live = rows.text(8) == "live";
  out.recovery_id = rows.text(9);
  return out;
}

}  // namespace

Result<std::unique_ptr<Warehouse>> DuckDbWarehouse::open(const std::string& path, WarehouseOptions options,
                                                         Clock& clock) {
  if (path.empty() || path.starts_with(":memory:") || path.find('\0') != std::string::npos) {
    return Error(ErrorCode::kUsage, "the warehouse needs the path of a file", path,
                 "for example duckdb:data/warehouse.duckdb");
  }
  CV_ASSIGN(TableName table, parse_table_name(options.table));
  std::error_code failed;
  // Absolute: whatever a relative path looked like to DuckDB ("md:", "s3:"), this is a file, and stays the
  // same one.
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed).lexically_normal();
  if (failed) return system_error(ErrorCode::kUnreachable, "cannot resolve the path", path, failed.value());
  return std::unique_ptr<Warehouse>(
      new DuckDbWarehouse(absolute.string(), std::move(options), std::move(table), clock));
}

DuckDbWarehouse::DuckDbWarehouse(std::string path, WarehouseOptions options, TableName table, Clock& clock)
    : path_(std::move(path)),
      options_(std::move(options)),
      table_(std::move(table)),
      loads_(table_.beside("changevault_loads")),
      lock_(table_.beside("changevault_lock")),
      clock_(clock) {}

// What does not open now says so with the next question.
std::shared_ptr<void> DuckDbWarehouse::keep_open() {
  Patience patience(clock_, options_);
  Result<DuckDbSession> session = DuckDbSession::open(path_, options_, false, patience);
  if (!session) return nullptr;
  return std::make_shared<DuckDbSession>(std::move(*session));
}

Result<DuckDbWarehouse::Step> DuckDbWarehouse::open_step(bool create) {
  Patience patience(clock_, options_);
  CV_ASSIGN(DuckDbSession session, DuckDbSession::open(path_, options_, create, patience));
  CV_ASSIGN(DuckDbConnection connection, session.connect());
  return Step{patience, std::move(session), std::move(connection)};
}

Result<DuckDbWarehouse::Step> DuckDbWarehouse::begin_step() {
  CV_ASSIGN(Step step, open_step(false));
  CV_TRY(check_columns(step.connection));
  return step;
}

Result<DuckDbWarehouse::Step> DuckDbWarehouse::begin_stage_step(const std::string& id) {
  CV_ASSIGN(const TableName stage, stage_table(id));
  CV_ASSIGN(Step step, begin_step());
  CV_ASSIGN(const bool there, exists(step.connection, stage));
  if (!there) {
    return Error(ErrorCode::kNotFound, "no side table of this recovery", stage.name,
                 "stage the recovery again");
  }
  return step;
}

Result<bool> DuckDbWarehouse::exists(DuckDbConnection& connection, const TableName& table) const {
  CV_ASSIGN(
      const std::int64_t found,
      connection.count("SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND "
                       "schema_name = ? AND lower(table_name) = lower(?)",
                       {table.schema, table.name}));
  return found > 0;
}

Result<void> DuckDbWarehouse::check_columns(DuckDbConnection& connection) const {
  CV_ASSIGN(
      DuckDbRows rows,
      connection.query(
          "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = "
          "current_database() AND schema_name = ? AND lower(table_name) = lower(?) ORDER BY column_index",
          {table_.schema, table_.name}));
  std::size_t i = 0;
  const auto refused = [&](const std::string& what) {
    return Error(ErrorCode::kUsage, what, table_.sql(),
                 "choose another [warehouse] table, or move this one away");
  };
  for (; rows.next(); ++i) {
    const bool last = i == kRecordColumns.size();
    const bool known = last
                           ? same_name(rows.text(0), kIngestedAt) || same_name(rows.text(0), kIngestedAtAlias)
                           : i < kRecordColumns.size() && same_name(rows.text(0), kRecordColumns[i].name);
    const std::string_view type = i < kRecordColumns.size() ? kRecordColumns[i].type : "TIMESTAMP";
    if (!known || rows.text(1) != type) {
      return refused("column " + std::to_string(i + 1) + " of the table is " + std::string(rows.text(0)) +
                     " " + std::string(rows.text(1)) + ", not one of change events");
    }
  }
  if (i == 0) return Error(ErrorCode::kNotFound, "no table", table_.sql(), "run `changevault init`");
  if (i != kRecordColumns.size() + 1) return refused("the table has only " + std::to_string(i) + " columns");
  return {};
}

Result<TableName> DuckDbWarehouse::stage_table(const std::string& id) const {
  const bool plain = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!plain)
    return Error(ErrorCode::kUsage, "not the id of a recovery", id, "ids are made of a-z, 0-9 and _");
  return table_.beside(table_.name + "_recovery_" + id);
}

Result<void> DuckDbWarehouse::prepare() {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), failed);
  if (failed)
    return system_error(ErrorCode::kUnreachable, "cannot create the warehouse's folder", path_,
                        failed.value());
  CV_ASSIGN(Step step, open_step(true));
  CV_TRY(retry_transaction(step.patience, [&] { return create_tables(step.connection); }));
  return check_columns(step.connection);
}

Result<void> DuckDbWarehouse::create_tables(DuckDbConnection& connection) const {
  CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection));
  CV_TRY(connection.run("CREATE SCHEMA IF NOT EXISTS " + quote_identifier(table_.schema)));
  CV_ASSIGN(const bool stood, exists(connection, table_));
  CV_TRY(connection.run(create_table_sql(table_)));
  CV_TRY(connection.run(create_loads_sql(loads_)));
  // What was loaded into a table that was dropped is not in the new one.
  if (!stood) CV_TRY(connection.run("DELETE FROM " + loads_.sql() + " WHERE table_name = ?", {table_.name}));
  CV_TRY(connection.run(create_lock_sql(lock_)));
  CV_TRY(connection.run("INSERT INTO " + lock_.sql() + " VALUES (1, 0) ON CONFLICT DO NOTHING"));
  return transaction.commit();
}

Result<std::map<std::string, std::string>> DuckDbWarehouse::live_loads() {
  CV_ASSIGN(Step step, begin_step());
  CV_ASSIGN(DuckDbRows rows, step.connection.query("SELECT segment, sha256 FROM " + loads_.sql() +
                                                       " WHERE table_name = ? AND kind = 'live'",
                                                   {table_.name}));
  std::map<std::string, std::string> out;
  while (rows.next()) out.emplace(rows.text(0), rows.text(1));
  return out;
}

Result<std::set<std::string>> DuckDbWarehouse::loaded_among(const std::vector<std::string>& segments) {
  CV_ASSIGN(Step step, begin_step());
  CV_TRY(IdTable::fill(step.connection, segments));
  CV_ASSIGN(DuckDbRows rows, step.connection.query("SELECT segment FROM " + loads_.sql() +
                                                       " SEMI JOIN temp.main.cv_ids ON segment = id "
                                                       "WHERE table_name = ? AND kind = 'live'",
                                                   {table_.name}));
  std::set<std::string> out;
  while (rows.next()) out.emplace(rows.text(0));
  return out;
}

Result<std::vector<LoadedSlot>> DuckDbWarehouse::loaded_slots() {
  CV_ASSIGN(Step step, begin_step());
  CV_TRY(retry_transaction(step.patience, [&] { return register_functions(step.connection); }));
  CV_ASSIGN(DuckDbRows rows,
            step.connection.query("SELECT partition_id, slot, count(*), (sum(cv_digest_bits(sha256)) % "
                                  "18446744073709551616)::UBIGINT FROM " +
                                      loads_.sql() +
                                      " WHERE table_name = ? AND kind = 'live' GROUP BY partition_id, slot",
                                  {table_.name}));
  std::vector<LoadedSlot> out;
  while (rows.next()) {
    out.push_back({PartitionId(static_cast<std::int32_t>(rows.integer(0))), Slot(rows.integer(1)),
                   rows.integer(2), rows.natural(3)});
  }
  return out;
}

Result<LoadMark> DuckDbWarehouse::load_mark() {
  CV_ASSIGN(Step step, begin_step());
  CV_ASSIGN(DuckDbRows rows,
            step.connection.query("SELECT (SELECT taken FROM " + lock_.sql() +
                                      " WHERE id = 1), count(*), epoch_ms(max(loaded_at)) FROM " +
                                      loads_.sql() + " WHERE table_name = ? AND kind = 'live'",
                                  {table_.name}));
  rows.next();
  return LoadMark{rows.integer(0), rows.integer(1), {rows.integer(2)}};
}

Result<std::vector<LoadRecord>> DuckDbWarehouse::load_records() {
  CV_ASSIGN(Step step, begin_step());
  CV_ASSIGN(DuckDbRows rows,
            step.connection.query("SELECT segment, sha256, partition_id, slot, rows_in_file, rows_inserted, "
                                  "rows_already_present, epoch_ms(loaded_at), kind, recovery_id FROM " +
                                      loads_.sql() + " WHERE table_name = ? ORDER BY loaded_at, segment",
                                  {table_.name}));
  std::vector<LoadRecord> out;
  while (rows.next()) out.push_back(read_load(rows));
  return out;
}

Result<void> DuckDbWarehouse::drop_stage(const std::string& id) {
  CV_ASSIGN(const TableName stage, stage_table(id));
  CV_ASSIGN(Step step, begin_step());
  return retry_transaction(step.patience,
                           [&] { return step.connection.run("DROP TABLE IF EXISTS " + stage.sql()); });
}

Result<std::vector<std::string>> DuckDbWarehouse::stages() {
  CV_ASSIGN(Step step, begin_step());
  const std::string prefix = table_.name + "_recovery_";
  CV_ASSIGN(DuckDbRows rows,
            step.connection.query(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND "
                "schema_name = ? AND starts_with(table_name, ?) ORDER BY table_name",
                {table_.schema, prefix}));
  std::vector<std::string> out;
  while (rows.next()) out.emplace_back(rows.text(0).substr(prefix.size()));
  return out;
}

Result<SqlTable> DuckDbWarehouse::sql(const std::string& statement) {
  CV_ASSIGN(Step step, open_step(false));
  return run_as_text(step.connection, statement);
}

}  // namespace changevault
