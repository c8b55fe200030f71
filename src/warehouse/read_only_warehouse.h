// A warehouse that cannot be changed until somebody agreed: the dry run, kept by the lowest layer.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "warehouse/warehouse.h"

namespace changevault {

// Whatever could change something (a statement may) is kInternal while `writable` is false: whoever meets
// that has forgotten to ask. All else is the inner warehouse's. `writable` outlives it. Thread-safe.
class ReadOnlyWarehouse final : public Warehouse {
 public:
  ReadOnlyWarehouse(std::unique_ptr<Warehouse> inner, const std::atomic<bool>& writable)
      : inner_(std::move(inner)), writable_(writable) {}

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
  std::shared_ptr<void> keep_open() override { return inner_->keep_open(); }
  std::string url() const override { return inner_->url(); }

 private:
  Result<void> may_write() const;
  std::unique_ptr<Warehouse> inner_;
  const std::atomic<bool>& writable_;
};

}  // namespace changevault
