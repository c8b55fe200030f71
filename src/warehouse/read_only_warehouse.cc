#include "warehouse/read_only_warehouse.h"

namespace changevault {

Result<void> ReadOnlyWarehouse::may_write() const {
  if (writable_) return {};
  return Error(ErrorCode::kInternal, "nothing may be changed before somebody agreed to it", url());
}

Result<std::map<std::string, std::string>> ReadOnlyWarehouse::live_loads() {
  return inner_->live_loads();
}

Result<std::vector<LoadRecord>> ReadOnlyWarehouse::load_records() {
  return inner_->load_records();
}

Result<std::set<std::string>> ReadOnlyWarehouse::loaded_among(const std::vector<std::string>& segments) {
  return inner_->loaded_among(segments);
}

Result<std::vector<LoadedSlot>> ReadOnlyWarehouse::loaded_slots() {
  return inner_->loaded_slots();
}

Result<LoadMark> ReadOnlyWarehouse::load_mark() {
  return inner_->load_mark();
}

Result<std::vector<WarehouseCell>> ReadOnlyWarehouse::cells(const Scope& scope) {
  return inner_->cells(scope);
}

Result<std::vector<OutsideRows>> ReadOnlyWarehouse::outside(const Scope& scope, const TimeRange& hours) {
  return inner_->outside(scope, hours);
}

Result<std::vector<IdComparison>> ReadOnlyWarehouse::compare(std::span<const CellIds> cells) {
  return inner_->compare(cells);
}

Result<std::int64_t> ReadOnlyWarehouse::count_present(const std::vector<std::string>& ids) {
  return inner_->count_present(ids);
}

Result<std::vector<std::int64_t>> ReadOnlyWarehouse::count_present_of(
    std::span<const std::vector<std::string>> groups) {
  return inner_->count_present_of(groups);
}

Result<StageFacts> ReadOnlyWarehouse::stage_facts(const std::string& id) {
  return inner_->stage_facts(id);
}

Result<std::optional<MergeOutcome>> ReadOnlyWarehouse::merged(const std::string& id) {
  return inner_->merged(id);
}

Result<Warehouse::Recheck> ReadOnlyWarehouse::recheck(const std::string& id) {
  return inner_->recheck(id);
}

Result<std::vector<std::string>> ReadOnlyWarehouse::stages() {
  return inner_->stages();
}

Result<DuplicateFacts> ReadOnlyWarehouse::duplicates(const Scope& scope, std::size_t examples) {
  return inner_->duplicates(scope, examples);
}

Result<DuplicateStage> ReadOnlyWarehouse::duplicate_stage(const std::string& id) {
  return inner_->duplicate_stage(id);
}

Result<void> ReadOnlyWarehouse::prepare() {
  CV_TRY(may_write());
  return inner_->prepare();
}

Result<std::vector<LoadedSegment>> ReadOnlyWarehouse::load(std::span<const SegmentRef> segments,
                                                           RecordFeed& feed) {
  CV_TRY(may_write());
  return inner_->load(segments, feed);
}

Result<void> ReadOnlyWarehouse::stage(const std::string& id, std::span<const SegmentRef> segments,
                                      RecordFeed& feed, StageContent content) {
  CV_TRY(may_write());
  return inner_->stage(id, segments, feed, content);
}

Result<MergeOutcome> ReadOnlyWarehouse::merge(const std::string& id, std::span<const SegmentRef> segments,
                                              RecordFeed& feed) {
  CV_TRY(may_write());
  return inner_->merge(id, segments, feed);
}

Result<void> ReadOnlyWarehouse::drop_stage(const std::string& id) {
  CV_TRY(may_write());
  return inner_->drop_stage(id);
}

Result<void> ReadOnlyWarehouse::stage_duplicates(const std::string& id, const Scope& scope,
                                                 std::int64_t rows_of_part) {
  CV_TRY(may_write());
  return inner_->stage_duplicates(id, scope, rows_of_part);
}

Result<std::int64_t> ReadOnlyWarehouse::remove_duplicates(const std::string& id, std::int64_t part) {
  CV_TRY(may_write());
  return inner_->remove_duplicates(id, part);
}

Result<SqlTable> ReadOnlyWarehouse::sql(const std::string& statement) {
  CV_TRY(may_write());
  return inner_->sql(statement);
}

}  // namespace changevault
