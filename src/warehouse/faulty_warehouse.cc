#include "warehouse/faulty_warehouse.h"

namespace changevault {

using Op = WarehouseOperation;

const char* name(WarehouseOperation operation) {
  switch (operation) {
    case Op::kPrepare:
      return "prepare";
    case Op::kLoad:
      return "load";
    case Op::kLoadLedger:
      return "load ledger";
    case Op::kLoadMark:
      return "load mark";
    case Op::kCells:
      return "cells";
    case Op::kStage:
      return "stage";
    case Op::kStageFacts:
      return "stage facts";
    case Op::kMerge:
      return "merge";
    case Op::kRemove:
      return "remove";
    case Op::kMerged:
      return "merged";
    case Op::kRecheck:
      return "recheck";
    case Op::kDropStage:
      return "drop stage";
    case Op::kStages:
      return "stages";
    case Op::kSql:
      return "sql";
  }
  return "unknown";
}

template <typename Call>
auto FaultyWarehouse::guarded(WarehouseOperation operation, const std::string& object, Call call)
    -> decltype(call()) {
  return call_with(hook_(operation, object), name(operation), object, std::move(call));
}

Result<void> FaultyWarehouse::prepare() {
  return guarded(Op::kPrepare, {}, [&] { return inner_.prepare(); });
}

Result<std::vector<LoadedSegment>> FaultyWarehouse::load(std::span<const SegmentRef> segments,
                                                         RecordFeed& feed) {
  const Fault fault = hook_(Op::kLoad, {});
  if (fault == Fault::kPartial)
    ignore_error(inner_.load(segments.first(segments.size() / 2), feed), "what is done of it");
  return call_with(fault, name(Op::kLoad), {}, [&] { return inner_.load(segments, feed); });
}

Result<std::map<std::string, std::string>> FaultyWarehouse::live_loads() {
  return guarded(Op::kLoadLedger, {}, [&] { return inner_.live_loads(); });
}

Result<std::vector<LoadRecord>> FaultyWarehouse::load_records() {
  return guarded(Op::kLoadLedger, {}, [&] { return inner_.load_records(); });
}

Result<std::set<std::string>> FaultyWarehouse::loaded_among(const std::vector<std::string>& segments) {
  return guarded(Op::kLoadLedger, {}, [&] { return inner_.loaded_among(segments); });
}

Result<std::vector<LoadedSlot>> FaultyWarehouse::loaded_slots() {
  return guarded(Op::kLoadLedger, {}, [&] { return inner_.loaded_slots(); });
}

Result<LoadMark> FaultyWarehouse::load_mark() {
  return guarded(Op::kLoadMark, {}, [&] { return inner_.load_mark(); });
}

Result<std::vector<WarehouseCell>> FaultyWarehouse::cells(const Scope& scope) {
  const Fault fault = hook_(Op::kCells, {});
  auto cells = call_with(fault, name(Op::kCells), {}, [&] { return inner_.cells(scope); });
  if (fault == Fault::kWrongAnswer && cells) {
    for (WarehouseCell& cell : *cells) cell.digest ^= 1;
  }
  return cells;
}

Result<std::vector<OutsideRows>> FaultyWarehouse::outside(const Scope& scope, const TimeRange& hours) {
  return guarded(Op::kCells, {}, [&] { return inner_.outside(scope, hours); });
}

Result<std::vector<IdComparison>> FaultyWarehouse::compare(std::span<const CellIds> cells) {
  return guarded(Op::kCells, {}, [&] { return inner_.compare(cells); });
}

Result<std::int64_t> FaultyWarehouse::count_present(const std::vector<std::string>& ids) {
  return guarded(Op::kCells, {}, [&] { return inner_.count_present(ids); });
}

Result<std::vector<std::int64_t>> FaultyWarehouse::count_present_of(
    std::span<const std::vector<std::string>> groups) {
  return guarded(Op::kCells, {}, [&] { return inner_.count_present_of(groups); });
}

Result<void> FaultyWarehouse::stage(const std::string& id, std::span<const SegmentRef> segments,
                                    RecordFeed& feed, StageContent content) {
  const Fault fault = hook_(Op::kStage, id);
  if (fault == Fault::kPartial)
    ignore_error(inner_.stage(id, segments.first(segments.size() / 2), feed, content), "what is done of it");
  return call_with(fault, name(Op::kStage), id, [&] { return inner_.stage(id, segments, feed, content); });
}

Result<StageFacts> FaultyWarehouse::stage_facts(const std::string& id) {
  const Fault fault = hook_(Op::kStageFacts, id);
  auto facts = call_with(fault, name(Op::kStageFacts), id, [&] { return inner_.stage_facts(id); });
  if (fault == Fault::kWrongAnswer && facts) distort(*facts);
  return facts;
}

Result<MergeOutcome> FaultyWarehouse::merge(const std::string& id, std::span<const SegmentRef> segments,
                                            RecordFeed& feed) {
  return guarded(Op::kMerge, id, [&] { return inner_.merge(id, segments, feed); });
}

Result<std::optional<MergeOutcome>> FaultyWarehouse::merged(const std::string& id) {
  return guarded(Op::kMerged, id, [&] { return inner_.merged(id); });
}

Result<Warehouse::Recheck> FaultyWarehouse::recheck(const std::string& id) {
  return guarded(Op::kRecheck, id, [&] { return inner_.recheck(id); });
}

Result<void> FaultyWarehouse::drop_stage(const std::string& id) {
  return guarded(Op::kDropStage, id, [&] { return inner_.drop_stage(id); });
}

Result<std::vector<std::string>> FaultyWarehouse::stages() {
  return guarded(Op::kStages, {}, [&] { return inner_.stages(); });
}

Result<DuplicateFacts> FaultyWarehouse::duplicates(const Scope& scope, std::size_t examples) {
  return guarded(Op::kCells, {}, [&] { return inner_.duplicates(scope, examples); });
}

Result<void> FaultyWarehouse::stage_duplicates(const std::string& id, const Scope& scope,
                                               std::int64_t rows_of_part) {
  return guarded(Op::kStage, id, [&] { return inner_.stage_duplicates(id, scope, rows_of_part); });
}

Result<DuplicateStage> FaultyWarehouse::duplicate_stage(const std::string& id) {
  const Fault fault = hook_(Op::kStageFacts, id);
  auto stage = call_with(fault, name(Op::kStageFacts), id, [&] { return inner_.duplicate_stage(id); });
  if (fault == Fault::kWrongAnswer && stage) stage->sum.digest ^= 1;
  return stage;
}

Result<std::int64_t> FaultyWarehouse::remove_duplicates(const std::string& id, std::int64_t part) {
  return guarded(Op::kRemove, id, [&] { return inner_.remove_duplicates(id, part); });
}

Result<SqlTable> FaultyWarehouse::sql(const std::string& statement) {
  return guarded(Op::kSql, {}, [&] { return inner_.sql(statement); });
}

}  // namespace changevault
