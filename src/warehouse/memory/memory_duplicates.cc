// Rows that stand more than once: found, listed, all but the first of each removed.
#include <algorithm>
#include <set>
#include <tuple>

#include "base/mutex.h"
#include "warehouse/memory/memory_rows.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault {
namespace {

using Row = MemoryWarehouse::Row;

// The columns of the record in which two rows differ.
std::set<std::string> differing(const Row& a, const Row& b) {
  std::set<std::string> out;
  const auto compare = [&](const char* column, const auto& x, const auto& y) {
    if (x != y) out.insert(column);
  };
  compare("processed_timestamp", a.processed_timestamp, b.processed_timestamp);
  compare("partition_id", a.partition_id, b.partition_id);
  compare("offset", a.offset, b.offset);
  compare("sequence_number", a.sequence_number, b.sequence_number);
  compare("enqueued_time", a.enqueued_time, b.enqueued_time);
  compare("operation_type", a.operation_type, b.operation_type);
  compare("database_name", a.database_name, b.database_name);
  compare("collection_name", a.collection_name, b.collection_name);
  compare("document_key", a.document_key, b.document_key);
  compare("full_document", a.full_document, b.full_document);
  compare("update_description", a.update_description, b.update_description);
  compare("cluster_time", a.cluster_time, b.cluster_time);
  compare("raw_event", a.raw_event, b.raw_event);
  return out;
}

std::set<std::string> differing(const std::vector<Row>& rows) {
  std::set<std::string> out;
  for (const Row& row : rows) out.merge(differing(rows[0], row));
  return out;
}

bool in_scope(const Row& row, const Scope& scope) {
  if (!scope.matches(namespace_of(row))) return false;
  if (!has_time(row)) return scope.time == TimeRange{} && !scope.hours_of_day;
  return scope.touches(hour_of(row.enqueued_time));
}

void add(DuplicateSum& sum, const std::vector<Row>& rows) {
  ++sum.ids;
  sum.rows += static_cast<std::int64_t>(rows.size());
  sum.digest += exact_bits(rows[0]);
}

bool before(const DuplicateCell& a, const DuplicateCell& b) {
  return std::tie(a.ns, a.hour) < std::tie(b.ns, b.hour);
}

}  // namespace

std::map<std::string, std::vector<Row>> MemoryWarehouse::doubled_rows(const Scope& scope) const {
  std::map<std::string, std::vector<Row>> rows;
  std::set<std::string> asked;
  for (const Row& row : rows_) {
    if (row.event_id.empty()) continue;
    rows[row.event_id].push_back(row);
    if (in_scope(row, scope)) asked.insert(row.event_id);
  }
  std::erase_if(rows, [&](const auto& id) { return id.second.size() < 2 || !asked.contains(id.first); });
  return rows;
}

Result<DuplicateFacts> MemoryWarehouse::duplicates(const Scope& scope, std::size_t examples) {
  const MutexLock lock(mutex_);
  CV_TRY(require_table());
  DuplicateFacts out;
  std::map<std::pair<std::optional<Hour>, Namespace>, DuplicateCell> cells;
  for (const auto& [id, rows] : doubled_rows(scope)) {
    const std::set<std::string> columns = differing(rows);
    const bool equal = columns.empty();
    if (equal) add(out.sum, rows);
    std::set<DuplicateCell*> touched;
    for (const Row& row : rows) {
      DuplicateCell& cell = cells[{hour_of_row(row), namespace_of(row)}];
      cell.hour = hour_of_row(row);
      cell.ns = namespace_of(row);
      ++(equal ? cell.rows : cell.unequal_rows);
      if (touched.insert(&cell).second) ++(equal ? cell.ids : cell.unequal_ids);
    }
    std::vector<DuplicateExample>& shown = equal ? out.examples : out.unequal;
    if (shown.size() >= examples) continue;
    std::string differs;
    for (const std::string& column : columns) differs += (differs.empty() ? "" : ", ") + column;
    shown.push_back({id, static_cast<std::int64_t>(rows.size()), differs});
  }
  for (auto& [place, cell] : cells) out.cells.push_back(std::move(cell));
  std::sort(out.cells.begin(), out.cells.end(), before);
  return out;
}

Result<void> MemoryWarehouse::stage_duplicates(const std::string& id, const Scope& scope,
                                               std::int64_t rows_of_part) {
  const MutexLock lock(mutex_);
  CV_TRY(check_stage_id(id));
  CV_TRY(require_table());
  std::vector<Doubled> listed;
  std::int64_t part = 0;
  std::int64_t in_part = 0;
  for (auto& [event_id, rows] : doubled_rows(scope)) {
    if (!differing(rows).empty()) continue;
    if (in_part >= rows_of_part) {
      ++part;
      in_part = 0;
    }
    in_part += static_cast<std::int64_t>(rows.size()) - 1;
    listed.push_back({event_id, rows, part, false});
  }
  doubled_[id] = std::move(listed);
  return {};
}

Result<std::vector<MemoryWarehouse::Doubled>*> MemoryWarehouse::find_doubled(const std::string& id) {
  CV_TRY(check_stage_id(id));
  CV_TRY(require_table());
  const auto found = doubled_.find(id);
  if (found != doubled_.end()) return &found->second;
  return Error(ErrorCode::kNotFound, "no side table of this recovery", id, "stage the recovery again");
}

Result<DuplicateStage> MemoryWarehouse::duplicate_stage(const std::string& id) {
  const MutexLock lock(mutex_);
  CV_ASSIGN(const std::vector<Doubled>* const listed, find_doubled(id));
  DuplicateStage out;
  for (const Doubled& one : *listed) {
    add(out.sum, one.rows);
    out.parts = std::max(out.parts, one.part + 1);
    if (one.removed) out.removed += static_cast<std::int64_t>(one.rows.size()) - 1;
  }
  return out;
}

Result<std::int64_t> MemoryWarehouse::remove_duplicates(const std::string& id, std::int64_t part) {
  const MutexLock lock(mutex_);
  CV_ASSIGN(std::vector<Doubled>* const listed, find_doubled(id));
  std::map<std::string, Doubled*> wanted;
  for (Doubled& one : *listed) {
    if (one.part == part) wanted.emplace(one.event_id, &one);
  }
  if (wanted.empty()) return Error(ErrorCode::kUsage, "the side table has no such part", id);
  std::int64_t removed = 0;
  std::map<std::string, std::vector<Row>> now = doubled_rows({});
  for (const auto& [event_id, one] : wanted) {
    removed += static_cast<std::int64_t>(one->rows.size()) - 1;
    if (one->removed) continue;
    const auto found = now.find(event_id);
    const bool as_it_was = found != now.end() && found->second.size() == one->rows.size() &&
                           differing(found->second).empty() &&
                           differing(found->second[0], one->rows[0]).empty();
    if (as_it_was) continue;
    return Error(ErrorCode::kStalePlan, "rows of an event_id are not as they were when this was planned",
                 event_id, "make a new plan: changevault recover --remove-duplicates");
  }
  if (std::all_of(wanted.begin(), wanted.end(), [](const auto& one) { return one.second->removed; }))
    return removed;
  std::set<std::string> seen;
  std::erase_if(rows_, [&](const Row& row) {
    return wanted.contains(row.event_id) && !seen.insert(row.event_id).second;
  });
  for (const auto& [event_id, one] : wanted) one->removed = true;
  ++insertions_;
  return removed;
}

}  // namespace changevault
