#include "recovery/plan_cells.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace changevault {
namespace {

constexpr std::size_t kAskedAtOnce = 100'000;

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

Result<void> PlanCells::settle(std::vector<Id> ids, Warehouse& warehouse) {
  std::sort(ids.begin(), ids.end());
  const auto same = [](const Id& a, const Id& b) { return a.id == b.id; };
  ids.erase(std::unique(ids.begin(), ids.end(), same), ids.end());
  for (std::size_t at = 0; at < ids.size(); at += kAskedAtOnce) {
    const std::size_t end = std::min(ids.size(), at + kAskedAtOnce);
    std::map<std::uint32_t, std::vector<std::string>> by_cell;
    for (std::size_t i = at; i < end; ++i) by_cell[ids[i].cell].push_back(std::move(ids[i].id));
    std::vector<std::vector<std::string>> groups;
    for (auto& [cell, group] : by_cell) {
      cells_[cell].distinct += static_cast<std::int64_t>(group.size());
      groups.push_back(std::move(group));
    }
    CV_ASSIGN(const std::vector<std::int64_t> present, warehouse.count_present_of(groups));
    std::size_t group = 0;
    for (const auto& [cell, unused] : by_cell) cells_[cell].already_present += present[group++];
  }
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
