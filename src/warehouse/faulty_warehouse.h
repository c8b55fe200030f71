// A warehouse that fails on demand, for tests of what is around it (base/fault.h).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "warehouse/warehouse.h"

namespace changevault {

enum class WarehouseOperation {
  kPrepare,
  kLoad,
  kLoadLedger,  // all that is asked of the load ledger
  kLoadMark,
  kCells,  // all that is asked of the table: cells, outside, compare, count_present, duplicates
  kStage,
  kStageFacts,
  kMerge,
  kRemove,
  kMerged,
  kRecheck,
  kDropStage,
  kStages,
  kSql,
};
const char* name(WarehouseOperation operation);

// kPartial: a load or a stage takes the first half of its segments. kWrongAnswer: the digests of cells are
// others, and what a side table holds is as `distort` has it. Thread-safe as long as `hook` is. `inner`
// outlives it.
class FaultyWarehouse final : public Warehouse {
 public:
  // Asked before every call; the object is the side table's id, else empty.
  using Hook = FaultHook<WarehouseOperation>;

  FaultyWarehouse(Warehouse& inner, Hook hook) : inner_(inner), hook_(std::move(hook)) {}

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
  std::shared_ptr<void> keep_open() override { return inner_.keep_open(); }
  std::string url() const override { return inner_.url(); }

  std::function<void(StageFacts&)> distort = [](StageFacts& facts) { facts.digest ^= 1; };

 private:
  template <typename Call>
  auto guarded(WarehouseOperation operation, const std::string& object, Call call) -> decltype(call());

  Warehouse& inner_;
  Hook hook_;
};

}  // namespace changevault
