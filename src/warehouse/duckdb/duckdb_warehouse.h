// The embedded warehouse: one DuckDB file, opened for each step and closed again (docs/decisions/0002,
// docs/formats/warehouse.md).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "warehouse/duckdb/duckdb_session.h"
#include "warehouse/duckdb/duckdb_sql.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Calls of several threads run side by side over one shared database; those that insert take turns by the
// lock row. Another process waits until none of our calls is under way.
class DuckDbWarehouse final : public Warehouse {
 public:
  // Touches nothing yet. `clock` outlives it. kUsage: a table name that is none, a path that is no file's.
  static Result<std::unique_ptr<Warehouse>> open(const std::string& path, WarehouseOptions options,
                                                 Clock& clock);

  Result<void> prepare() override;
  Result<std::vector<LoadedSegment>> load(std::span<const SegmentRef> segments, RecordFeed& feed) override;
  Result<std::map<std::string, std::string>> live_loads() override;
  Result<std::vector<LoadRecord>> load_records() override;
  Result<std::set<std::string>> loaded_among(const std::vector<std::string>& segments) override;
  Result<std::vector<LoadedSlot>> loaded_slots() override;
  Result<LoadMark> load_mark() override;
  Result<std::vector<WarehouseCell>> cells(const Scope& scope) override;
  Result<std::vector<OutsideRows>> outside(const Scope& scope, const TimeRange& hours) override;
  Result<std::vector<IdComparison>> compare(std::span<const CellIds> cells) override;
  Result<std::int64_t> count_present(const std::vector<std::string>& ids) override;
  Result<std::vector<std::int64_t>> count_present_of(
      std::span<const std::vector<std::string>> groups) override;
  Result<void> stage(const std::string& id, std::span<const SegmentRef> segments, RecordFeed& feed,
                     StageContent content) override;
  Result<StageFacts> stage_facts(const std::string& id) override;
  Result<MergeOutcome> merge(const std::string& id, std::span<const SegmentRef> segments,
                             RecordFeed& feed) override;
  Result<std::optional<MergeOutcome>> merged(const std::string& id) override;
  Result<Recheck> recheck(const std::string& id) override;
  Result<void> drop_stage(const std::string& id) override;
  Result<std::vector<std::string>> stages() override;
  Result<DuplicateFacts> duplicates(const Scope& scope, std::size_t examples) override;
  Result<void> stage_duplicates(const std::string& id, const Scope& scope,
                                std::int64_t rows_of_part) override;
  Result<DuplicateStage> duplicate_stage(const std::string& id) override;
  Result<std::int64_t> remove_duplicates(const std::string& id, std::int64_t part) override;
  Result<SqlTable> sql(const std::string& statement) override;
  std::shared_ptr<void> keep_open() override;
  std::string url() const override { return "duckdb:" + path_; }

 private:
  // What one call works with.
  struct Step {
    Patience patience;
    DuckDbSession session;
    DuckDbConnection connection;
  };

  DuckDbWarehouse(std::string path, WarehouseOptions options, TableName table, Clock& clock);
  // Opens the file. `begin_step` also demands the table.
  Result<Step> open_step(bool create);
  Result<Step> begin_step();
  // The same, and the side table `id`.
  Result<Step> begin_stage_step(const std::string& id);

  Result<bool> exists(DuckDbConnection& connection, const TableName& table) const;
  Result<void> check_columns(DuckDbConnection& connection) const;
  Result<void> create_tables(DuckDbConnection& connection) const;
  Result<TableName> stage_table(const std::string& id) const;

  std::string path_;
  WarehouseOptions options_;
  TableName table_;
  TableName loads_;
  TableName lock_;
  Clock& clock_;
};

}  // namespace changevault
