#include "warehouse/memory/memory_warehouse.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/mutex.h"
#include "warehouse/id_set.h"
#include "warehouse/memory/memory_rows.h"

namespace changevault {
namespace {

using Row = MemoryWarehouse::Row;

std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

Row to_row(const RecordView& record) {
  Row row;
  row.event_id = record.event_id;
  row.processed_timestamp = record.processed_timestamp;
  row.partition_id = owned(record.partition_id);
  row.offset = owned(record.offset);
  row.sequence_number = record.sequence_number;
  row.enqueued_time = record.enqueued_time;
  row.operation_type = record.operation_type;
  row.database_name = owned(record.database_name);
  row.collection_name = owned(record.collection_name);
  row.document_key = owned(record.document_key);
  row.full_document = owned(record.full_document);
  row.update_description = owned(record.update_description);
  row.cluster_time = owned(record.cluster_time);
  row.raw_event = record.raw_event;
  return row;
}

void drop_documents(Row& row) {
  row.document_key = row.full_document = row.update_description = row.cluster_time = std::nullopt;
  row.raw_event.clear();
}

// By which a row of a side table is found again in the segment that it came from.
auto place_of(const Row& row) {
  return std::tie(row.event_id, row.segment_key, row.partition_id, row.sequence_number);
}

std::uint64_t digest_bits(const Row& row) {
  return EventId::of_text(row.event_id).high;
}

// Of a row that is in the scope and outside `hours`.
std::optional<RowTime> side_of(const Row& row, const Scope& scope, const TimeRange& hours) {
  if (!scope.matches(namespace_of(row))) return std::nullopt;
  if (!has_time(row)) {
    const bool any_time = scope.time == TimeRange{} && !scope.hours_of_day;
    return any_time ? std::optional(RowTime::kNone) : std::nullopt;
  }
  if (!scope.touches(hour_of(row.enqueued_time)) || hours.contains(row.enqueued_time)) return std::nullopt;
  return row.enqueued_time < hours.from ? RowTime::kBefore : RowTime::kAfter;
}

// Of each event_id the row at the first position; rows without one are left out.
std::vector<Row> first_of_each_id(std::vector<Row> rows) {
  std::erase_if(rows, [](const Row& row) { return row.event_id.empty(); });
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.event_id, a.partition_id, a.sequence_number) <
           std::tie(b.event_id, b.partition_id, b.sequence_number);
  });
  const auto same = [](const Row& a, const Row& b) { return a.event_id == b.event_id; };
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
  return rows;
}

}  // namespace

Result<void> MemoryWarehouse::prepare() {
  const MutexLock lock(mutex_);
  prepared_ = true;
  return {};
}

Result<void> MemoryWarehouse::require_table() const {
  if (prepared_) return {};
  return Error(ErrorCode::kNotFound, "no table", "memory:", "run `changevault init`");
}

std::map<std::string, std::int64_t> MemoryWarehouse::count_ids() const {
  std::map<std::string, std::int64_t> out;
  for (const Row& row : rows_) {
    if (!row.event_id.empty()) ++out[row.event_id];
  }
  return out;
}

Result<std::vector<LoadedSegment>> MemoryWarehouse::load(std::span<const SegmentRef> segments,
                                                         RecordFeed& feed) {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  std::map<std::string, std::string> loaded;
  for (const LoadRecord& record : loads_) {
    if (record.live) loaded.emplace(record.segment.key, record.segment.sha256);
  }
  IdSet seen;
  for (const auto& [id, count] : count_ids()) seen.insert(id);
  std::vector<Row> rows;
  std::vector<LoadRecord> records;
  std::vector<LoadedSegment> out;
  for (const SegmentRef& segment : segments) {
    LoadedSegment& done = out.emplace_back(LoadedSegment{segment});
    const auto [found, is_new] = loaded.try_emplace(segment.key, segment.sha256);
    if (found->second != segment.sha256) {
      return Error(ErrorCode::kCorrupt, "a segment was loaded before with other bytes", segment.key);
    }
    if (!is_new) continue;
    CV_TRY(feed.read(segment, [&](const RecordView& record) -> Result<void> {
      if (record.event_id.empty())
        return Error(ErrorCode::kValidation, "a record without event_id", segment.key);
      ++done.rows;
      if (!seen.insert(record.event_id)) return {};
      rows.push_back(to_row(record));
      rows.back().ingested = clock_.now();
      ++done.inserted;
      return {};
    }));
    done.already_present = done.rows - done.inserted;
    records.push_back({segment, done.inserted, done.already_present, clock_.now(), true, {}});
  }
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  loads_.insert(loads_.end(), records.begin(), records.end());
  ++insertions_;
  return out;
}

Result<std::map<std::string, std::string>> MemoryWarehouse::live_loads() {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  std::map<std::string, std::string> out;
  for (const LoadRecord& record : loads_) {
    if (record.live) out.emplace(record.segment.key, record.segment.sha256);
  }
  return out;
}

Result<std::set<std::string>> MemoryWarehouse::loaded_among(const std::vector<std::string>& segments) {
  CV_ASSIGN(const auto loads, live_loads());
  std::set<std::string> out;
  for (const std::string& segment : segments) {
    if (loads.contains(segment)) out.insert(segment);
  }
  return out;
}

Result<std::vector<LoadedSlot>> MemoryWarehouse::loaded_slots() {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  std::map<std::pair<PartitionId, Slot>, LoadedSlot> slots;
  for (const LoadRecord& record : loads_) {
    if (!record.live) continue;
    const SegmentRef& segment = record.segment;
    LoadedSlot& loaded = slots[{segment.partition, segment.slot}];
    loaded.partition = segment.partition;
    loaded.slot = segment.slot;
    ++loaded.segments;
    loaded.digest += EventId::of_text(segment.sha256).high;
  }
  std::vector<LoadedSlot> out;
  for (const auto& [place, loaded] : slots) out.push_back(loaded);
  return out;
}

Result<LoadMark> MemoryWarehouse::load_mark() {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  LoadMark mark{insertions_, 0, {}};
  for (const LoadRecord& record : loads_) {
    if (!record.live) continue;
    ++mark.live_loads;
    mark.newest = std::max(mark.newest, record.time);
  }
  return mark;
}

Result<std::vector<LoadRecord>> MemoryWarehouse::load_records() {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  return loads_;
}

Result<std::vector<WarehouseCell>> MemoryWarehouse::cells(const Scope& scope) {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  std::map<std::pair<Hour, Namespace>, WarehouseCell> cells;
  std::map<std::pair<Hour, Namespace>, IdSet> ids;
  std::map<std::string, std::int64_t> places;  // by id: cells that hold it
  for (const Row& row : rows_) {
    if (!has_time(row)) continue;
    const auto place = std::pair(hour_of(row.enqueued_time), namespace_of(row));
    if (!scope.matches(place.second) || !scope.touches(place.first)) continue;
    WarehouseCell& cell = cells[place];
    cell.hour = place.first;
    cell.ns = place.second;
    ++cell.rows;
    if (row.event_id.empty()) {
      ++cell.null_ids;
    } else {
      cell.digest += exact_bits(row);
      if (!ids[place].insert(row.event_id)) continue;
      ++cell.distinct;
      ++places[row.event_id];
    }
  }
  for (const auto& [place, held] : ids) {
    CV_TRY(held.for_each([&, at = place](const std::string& id) -> Result<void> {
      cells[at].shared += places[id] > 1 ? 1 : 0;
      return {};
    }));
  }
  std::vector<WarehouseCell> out;
  for (auto& [place, cell] : cells) out.push_back(std::move(cell));
  return out;
}

Result<std::vector<OutsideRows>> MemoryWarehouse::outside(const Scope& scope, const TimeRange& hours) {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  std::map<std::pair<Namespace, RowTime>, OutsideRows> places;
  std::map<std::string, bool> taken;  // ids that stand among the rows not in question
  for (const Row& row : rows_) {
    if (!row.event_id.empty() && !side_of(row, scope, hours)) taken[row.event_id] = true;
  }
  for (const Row& row : rows_) {
    const std::optional<RowTime> side = side_of(row, scope, hours);
    if (!side) continue;
    OutsideRows& place = places[{namespace_of(row), *side}];
    place.ns = namespace_of(row);
    place.time = *side;
    ++place.rows;
    if (!row.event_id.empty() && !taken.emplace(row.event_id, true).second) ++place.copies;
    if (*side == RowTime::kNone) continue;
    place.earliest = std::min(place.earliest.value_or(row.enqueued_time), row.enqueued_time);
    place.latest = std::max(place.latest.value_or(row.enqueued_time), row.enqueued_time);
  }
  std::vector<OutsideRows> out;
  for (auto& [at, place] : places) out.push_back(std::move(place));
  return out;
}

Result<std::vector<IdComparison>> MemoryWarehouse::compare(std::span<const CellIds> cells) {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  std::vector<IdComparison> out;
  for (const CellIds& cell : cells) out.push_back(compare(cell.hour, cell.ns, cell.ids));
  return out;
}

IdComparison MemoryWarehouse::compare(Hour hour, const Namespace& ns,
                                      const std::vector<std::string>& ids) const {
  using Place = std::pair<std::optional<Hour>, Namespace>;
  const Place here(hour, ns);
  const std::set<std::string> wanted(ids.begin(), ids.end());
  const auto anywhere = count_ids();
  std::map<std::string, std::int64_t> cell;
  for (const Row& row : rows_) {
    if (Place(hour_of_row(row), namespace_of(row)) == here) ++cell[row.event_id];
  }
  std::map<Place, std::set<std::string>> elsewhere, also;
  for (const Row& row : rows_) {
    Place place(hour_of_row(row), namespace_of(row));
    if (place == here || !wanted.contains(row.event_id)) continue;
    (cell.contains(row.event_id) ? also : elsewhere)[std::move(place)].insert(row.event_id);
  }
  IdComparison out;
  for (const auto& [place, held] : elsewhere)
    out.elsewhere_at.push_back({place.first, place.second, {held.begin(), held.end()}});
  for (const auto& [place, held] : also)
    out.also_at.push_back({place.first, place.second, {held.begin(), held.end()}});
  for (const std::string& id : wanted) {
    if (cell.contains(id)) continue;
    ++(anywhere.contains(id) ? out.elsewhere : out.missing);
  }
  for (const auto& [id, count] : cell) {
    if (!id.empty()) out.duplicate += count - 1;
    if (!id.empty() && wanted.contains(id)) continue;
    out.extra += count;
    if (!id.empty() && out.extra_ids.size() < kExtraIdsShown) out.extra_ids.push_back(id);
    if (!id.empty() && anywhere.at(id) > count) ++out.duplicate;
  }
  return out;
}

Result<std::int64_t> MemoryWarehouse::count_present(const std::vector<std::string>& ids) {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  const auto anywhere = count_ids();
  const std::set<std::string> wanted(ids.begin(), ids.end());
  return std::count_if(wanted.begin(), wanted.end(),
                       [&](const std::string& id) { return anywhere.contains(id); });
}

Result<std::vector<std::int64_t>> MemoryWarehouse::count_present_of(
    std::span<const std::vector<std::string>> groups) {
  std::vector<std::int64_t> out;
  for (const std::vector<std::string>& group : groups) {
    CV_ASSIGN(const std::int64_t present, count_present(group));
    out.push_back(present);
  }
  return out;
}

Result<const std::vector<MemoryWarehouse::Row>*> MemoryWarehouse::find_stage(const std::string& id) const {
  CV_TRY(check_stage_id(id));
  CV_TRY(require_table());
  const auto found = stages_.find(id);
  if (found != stages_.end()) return &found->second;
  return Error(ErrorCode::kNotFound, "no side table of this recovery", id, "stage the recovery again");
}

Result<void> MemoryWarehouse::stage(const std::string& id, std::span<const SegmentRef> segments,
                                    RecordFeed& feed, StageContent content) {
  const MutexLock lock(mutex_);
  CV_TRY(check_stage_id(id));
  CV_TRY(require_table());
  std::vector<Row> rows;
  for (const SegmentRef& segment : segments) {
    const auto keep = [&](const RecordView& record) -> Result<void> {
      rows.push_back(to_row(record));
      rows.back().segment_key = segment.key;
      if (content == StageContent::kFacts) drop_documents(rows.back());
      return {};
    };
    CV_TRY(content == StageContent::kFacts ? feed.read_facts(segment, keep) : feed.read(segment, keep));
  }
  stages_[id] = std::move(rows);
  return {};
}

Result<StageFacts> MemoryWarehouse::stage_facts(const std::string& id) {
  const MutexLock lock(mutex_);
  CV_ASSIGN(const std::vector<Row>* rows, find_stage(id));
  StageFacts out;
  IdSet ids;
  std::set<std::tuple<std::string, std::string, std::optional<std::string>, std::optional<std::int64_t>>>
      positions;
  for (const Row& row : *rows) {
    ++out.rows;
    ++out.operations[row.operation_type];
    out.min_time = std::min(out.min_time.value_or(row.enqueued_time), row.enqueued_time);
    out.max_time = std::max(out.max_time.value_or(row.enqueued_time), row.enqueued_time);
    if (!positions.emplace(row.event_id, row.segment_key, row.partition_id, row.sequence_number).second)
      ++out.same_position_twice;
    if (row.event_id.empty()) {
      ++out.null_ids;
    } else {
      out.digest += digest_bits(row);
      out.distinct += ids.insert(row.event_id) ? 1 : 0;
    }
  }
  return out;
}

std::optional<MergeOutcome> MemoryWarehouse::find_merge(const std::string& id) const {
  std::optional<MergeOutcome> out;
  for (const LoadRecord& record : loads_) {
    if (record.live || record.recovery_id != id) continue;
    if (!out) out.emplace();
    out->inserted += record.inserted;
    out->already_present += record.already_present;
  }
  return out;
}

Result<MergeOutcome> MemoryWarehouse::merge(const std::string& id, std::span<const SegmentRef> segments,
                                            RecordFeed& feed) {
  const MutexLock lock(mutex_);
  if (segments.empty()) return Error(ErrorCode::kUsage, "a merge without segments leaves no trace", id);
  CV_TRY(check_stage_id(id));
  CV_TRY(require_table());
  if (const auto before = find_merge(id)) return *before;
  CV_ASSIGN(const std::vector<Row>* stage, find_stage(id));
  const auto anywhere = count_ids();
  std::map<std::string, MergeOutcome> parts;
  std::vector<Row> chosen;
  for (Row& row : first_of_each_id(*stage)) {
    const bool present = anywhere.contains(row.event_id);
    MergeOutcome& part = parts[row.segment_key];
    ++(present ? part.already_present : part.inserted);
    if (!present) chosen.push_back(std::move(row));
  }
  std::vector<LoadRecord> records;
  for (const SegmentRef& segment : segments) {
    const MergeOutcome part = parts[segment.key];
    parts.erase(segment.key);
    records.push_back({segment, part.inserted, part.already_present, clock_.now(), false, id});
  }
  if (!parts.empty()) {
    return Error(ErrorCode::kUsage, "the side table holds rows of a segment that the merge does not name",
                 parts.begin()->first, "stage the recovery again");
  }
  CV_ASSIGN(const std::vector<Row> fresh, read_again(segments, feed, chosen));
  rows_.insert(rows_.end(), fresh.begin(), fresh.end());
  loads_.insert(loads_.end(), records.begin(), records.end());
  ++insertions_;
  return *find_merge(id);
}

// The whole rows of the side table's `chosen`, from the feed.
Result<std::vector<MemoryWarehouse::Row>> MemoryWarehouse::read_again(std::span<const SegmentRef> segments,
                                                                      RecordFeed& feed,
                                                                      std::vector<Row> chosen) const {
  std::vector<Row> out;
  for (const SegmentRef& segment : segments) {
    CV_TRY(feed.read(segment, [&](const RecordView& record) -> Result<void> {
      Row row = to_row(record);
      row.segment_key = segment.key;
      const auto found = std::find_if(chosen.begin(), chosen.end(),
                                      [&](const Row& c) { return place_of(c) == place_of(row); });
      if (found == chosen.end()) return {};
      chosen.erase(found);
      row.ingested = clock_.now();
      out.push_back(std::move(row));
      return {};
    }));
  }
  if (chosen.empty()) return out;
  return Error(ErrorCode::kValidation,
               std::to_string(chosen.size()) + " staged rows are not in the segments that they came from");
}

Result<std::optional<MergeOutcome>> MemoryWarehouse::merged(const std::string& id) {
  const MutexLock lock(mutex_);
  CV_TRY(check_stage_id(id));
  CV_TRY(require_table());
  return find_merge(id);
}

Result<Warehouse::Recheck> MemoryWarehouse::recheck(const std::string& id) {
  const MutexLock lock(mutex_);
  std::set<std::string> wanted;
  if (const auto doubled = doubled_.find(id); doubled != doubled_.end()) {
    for (const Doubled& one : doubled->second) wanted.insert(one.event_id);
  } else {
    CV_ASSIGN(const std::vector<Row>* stage, find_stage(id));
    for (const Row& row : first_of_each_id(*stage)) wanted.insert(row.event_id);
  }
  const auto anywhere = count_ids();
  Recheck out;
  for (const std::string& event_id : wanted) {
    const auto found = anywhere.find(event_id);
    if (found == anywhere.end()) ++out.missing;
    if (found != anywhere.end() && found->second > 1) ++out.duplicate;
  }
  return out;
}

Result<void> MemoryWarehouse::drop_stage(const std::string& id) {
  const MutexLock lock(mutex_);
  CV_TRY(check_stage_id(id));
  CV_TRY(require_table());
  stages_.erase(id);
  doubled_.erase(id);
  return {};
}

Result<std::vector<std::string>> MemoryWarehouse::stages() {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  std::vector<std::string> out;
  for (const auto& [id, rows] : stages_) out.push_back(id);
  for (const auto& [id, rows] : doubled_) out.push_back(id);
  std::sort(out.begin(), out.end());
  return out;
}

Result<SqlTable> MemoryWarehouse::sql(const std::string&) {
  return Error(ErrorCode::kUsage, "this warehouse knows no SQL", url());
}

std::vector<MemoryWarehouse::Row> MemoryWarehouse::rows() const {
  const MutexLock lock(mutex_);
  return rows_;
}

void MemoryWarehouse::make_anew() {
  const MutexLock lock(mutex_);
  rows_.clear();
  loads_.clear();
  stages_.clear();
  doubled_.clear();
  insertions_ = 0;
}

void MemoryWarehouse::set_rows(std::vector<Row> rows) {
  const MutexLock lock(mutex_);
  rows_ = std::move(rows);
}

}  // namespace changevault
