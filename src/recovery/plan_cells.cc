#include "recovery/plan_cells.h"

#include <algorithm>
#include <tuple>

namespace changevault {
namespace {

// The warehouse reads its whole table for each question.
constexpr std::size_t kAskedAtOnce = 200'000;

std::string to_text(const EventId& id) {
  return to_string(id);
}
std::string to_text(const std::string& id) {
  return id;
}

// Names are globs in a scope; where theirs would be, all are asked for.
bool is_plain(const std::string& name) {
  return name.find_first_of("*?[\\") == std::string::npos;
}

}  // namespace

Scope scope_around(const std::vector<PlannedCell>& cells) {
  Scope scope;
  const Namespace& ns = cells[0].ns;
  TimeRange time{cells[0].hour.start(), cells[0].hour.end()};
  bool one_database = is_plain(ns.database);
  bool one_collection = is_plain(ns.collection);
  for (const PlannedCell& cell : cells) {
    one_database = one_database && cell.ns.database == ns.database;
    one_collection = one_collection && cell.ns == ns;
    time.from = std::min(time.from, cell.hour.start());
    time.to = std::max(time.to, cell.hour.end());
  }
  if (one_database) scope.database = ns.database;
  if (one_collection) scope.collection = ns.collection;
  scope.time = time;
  return scope;
}

std::uint32_t PlanCells::of(const RecordView& record) {
  std::uint32_t& place = finder_.of(record);
  if (place == 0) {
    PlannedCell& cell = cells_.emplace_back();
    cell.hour = hour_of(record.enqueued_time);
    cell.ns = {std::string(record.database_name.value_or("")),
               std::string(record.collection_name.value_or(""))};
    place = static_cast<std::uint32_t>(cells_.size());
  }
  return place - 1;
}

void PlanCells::Ids::add(std::string_view id, std::uint32_t cell) {
  if (const auto own = EventId::of_own_text(id)) {
    own_.push_back({*own, cell});
  } else {
    others_.push_back({std::string(id), cell});
  }
}

Result<void> PlanCells::settle(Ids ids, Warehouse& warehouse) {
  CV_TRY(settle_values(std::move(ids.own_), warehouse));
  return settle_values(std::move(ids.others_), warehouse);
}

template <typename Value>
Result<void> PlanCells::settle_values(std::vector<Ids::In<Value>> ids, Warehouse& warehouse) {
  std::ranges::sort(ids);
  const auto repeats = std::ranges::unique(ids, {}, &Ids::In<Value>::id);
  std::span<Ids::In<Value>> rest(ids.begin(), repeats.begin());
  while (!rest.empty()) {
    const std::size_t asked = std::min(rest.size(), kAskedAtOnce);
    CV_TRY(settle_some(rest.first(asked), warehouse));
    rest = rest.subspan(asked);
  }
  return {};
}

template <typename Value>
Result<void> PlanCells::settle_some(std::span<Ids::In<Value>> ids, Warehouse& warehouse) {
  std::map<std::uint32_t, std::vector<std::string>> by_cell;
  for (const auto& [id, cell] : ids) by_cell[cell].push_back(to_text(id));
  std::vector<std::vector<std::string>> groups;
  for (auto& [cell, group] : by_cell) {
    cells_[cell].distinct += static_cast<std::int64_t>(group.size());
    groups.push_back(std::move(group));
  }
  CV_ASSIGN(const std::vector<std::int64_t> present, warehouse.count_present_of(groups));
  std::size_t group = 0;
  for (const auto& [cell, unused] : by_cell) cells_[cell].already_present += present[group++];
  return {};
}

Result<std::vector<PlannedCell>> PlanCells::finish(Warehouse& warehouse) {
  std::vector<PlannedCell> out = std::move(cells_);
  std::sort(out.begin(), out.end(), [](const PlannedCell& a, const PlannedCell& b) {
    return std::tie(a.ns, a.hour) < std::tie(b.ns, b.hour);
  });
  CV_ASSIGN(const std::vector<std::int64_t> rows, rows_of_cells(out, warehouse));
  for (std::size_t i = 0; i < out.size(); ++i) out[i].warehouse = rows[i];
  return out;
}

Result<std::vector<std::int64_t>> rows_of_cells(const std::vector<PlannedCell>& cells, Warehouse& warehouse) {
  std::vector<std::int64_t> out(cells.size(), 0);
  if (cells.empty()) return out;
  CV_ASSIGN(const std::vector<WarehouseCell> found, warehouse.cells(scope_around(cells)));
  std::map<std::pair<Namespace, Hour>, std::int64_t> rows;
  for (const WarehouseCell& cell : found) rows[{cell.ns, cell.hour}] = cell.rows;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto standing = rows.find({cells[i].ns, cells[i].hour});
    if (standing != rows.end()) out[i] = standing->second;
  }
  return out;
}

}  // namespace changevault
