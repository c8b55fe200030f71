#include "recovery/coverage.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "recovery/coverage_hours.h"
#include "recovery/coverage_ids.h"
#include "recovery/coverage_outside.h"

namespace changevault {
namespace {

// The grid of all pairs of namespace and hour, and what both sides say about each.
class Comparison {
 public:
  Comparison(const Scope& scope, const ArchiveSide& archive, Warehouse& warehouse, RecordFeed& feed,
             const CoverageOptions& options)
      : archive_(archive),
        warehouse_(warehouse),
        options_(options),
        asked_(scope),
        scope_(scope),
        behind_(archive, options),
        ids_({coverage_, in_archive_, in_warehouse_}, archive, warehouse, feed, options) {}

  Result<Coverage> run() {
    CV_ASSIGN(scope_.time, hours_of_scope(scope_, archive_));
    coverage_.range = scope_.time;
    list_hours();
    CV_ASSIGN(warehouse_cells_, warehouse_.cells(scope_));
    CV_ASSIGN(coverage_.outside, find_outside(asked_, scope_.time, behind_, warehouse_));
    CV_TRY(list_namespaces());
    CV_TRY(make_grid());
    CV_TRY(compare_differing());
    CV_TRY(judge());
    return std::move(coverage_);
  }

 private:
  void list_hours() {
    for (Hour hour = hour_of(scope_.time.from); hour.start() < scope_.time.to; hour = hour.next()) {
      hour_position_.push_back(hours_.size());
      if (scope_.touches(hour)) hours_.push_back(hour);
    }
  }

  Result<void> list_namespaces() {
    std::set<Namespace> known;
    const auto add = [&](const Namespace& ns) {
      if (scope_.matches(ns)) known.insert(ns);
    };
    for (const Namespace& ns : archive_.namespaces) add(ns);
    for (const WarehouseCell& cell : warehouse_cells_) add(cell.ns);
    if (known.empty()) {
      // Perhaps the warehouse knows it from other hours: then these are empty ones, not unknown ones.
      Scope ever = scope_;
      ever.time = {};
      ever.hours_of_day.reset();
      CV_ASSIGN(const std::vector<WarehouseCell> elsewhere, warehouse_.cells(ever));
      for (const WarehouseCell& cell : elsewhere) add(cell.ns);
      for (const OutsideCell& cell : coverage_.outside) add(cell.rows.ns);
    }
    if (known.empty()) {
      return nothing_known("neither archive nor warehouse knows such a collection", scope_,
                           "look at the names that ls prints");
    }
    coverage_.namespaces.assign(known.begin(), known.end());
    return {};
  }

  Result<void> make_grid() {
    if (hours_.empty()) {
      return Error(ErrorCode::kUsage, "the time range holds none of these hours of the day",
                   to_string(scope_), "check --hours against the dates");
    }
    if (hours_.size() > options_.max_cells / coverage_.namespaces.size()) {
      return Error(ErrorCode::kUsage, "too many hours and collections to compare at once", to_string(scope_),
                   "name a shorter time range or fewer collections");
    }
    coverage_.cells.resize(hours_.size() * coverage_.namespaces.size());
    for (std::size_t at = 0; at < coverage_.cells.size(); ++at) {
      GapCell& cell = coverage_.cells[at];
      cell.hour = hours_[at % hours_.size()];
      cell.ns = static_cast<std::uint32_t>(at / hours_.size());
      cell.unreadable = uncertain(cell.hour);
      cell.sealed = archive_.span.sealed(cell.hour) && !cell.unreadable;
    }
    in_archive_.resize(coverage_.cells.size());
    in_warehouse_.resize(coverage_.cells.size());
    for (const HourCell& cell : archive_.cells) {
      place(cell.hour, archive_.namespaces[cell.ns], &cell, in_archive_);
    }
    for (const WarehouseCell& cell : warehouse_cells_) place(cell.hour, cell.ns, &cell, in_warehouse_);
    return {};
  }

  // What is known of this hour is not all that the ledger says about it.
  bool uncertain(Hour hour) const {
    return std::any_of(archive_.problems.begin(), archive_.problems.end(),
                       [&](const LedgerProblem& problem) { return problem.touches(hour); });
  }

  // Of a scope that is open at an end there may be hours that nobody knows of any more.
  bool costs_the_scope(const LedgerProblem& problem) const {
    if (!asked_.time.bounded()) return problem.touches(asked_.time);
    return std::any_of(hours_.begin(), hours_.end(), [&](Hour hour) { return problem.touches(hour); });
  }

  template <typename Cell>
  void place(Hour at, const Namespace& name, const Cell* cell, std::vector<const Cell*>& into) const {
    if (!scope_.touches(at)) return;
    const auto ns = std::lower_bound(coverage_.namespaces.begin(), coverage_.namespaces.end(), name);
    if (ns == coverage_.namespaces.end() || *ns != name) return;
    const auto hour = static_cast<std::size_t>(at.index - hour_of(scope_.time.from).index);
    const auto row = static_cast<std::size_t>(ns - coverage_.namespaces.begin());
    into[row * hours_.size() + hour_position_[hour]] = cell;
  }

  // Hour by hour, as the archive's side is looked up that way.
  Result<void> compare_differing() {
    std::vector<std::size_t> differing;
    for (std::size_t at = 0; at < coverage_.cells.size(); ++at) {
      const HourCell* const archived = in_archive_[at];
      const WarehouseCell* const rows = in_warehouse_[at];
      CellNumbers& numbers = coverage_.cells[at].numbers;
      if (archived != nullptr) numbers.archive = archived->digest.records;
      if (rows != nullptr) numbers.take_rows(rows->rows, rows->distinct);
      const bool damaged = archived != nullptr && archived->damaged;
      if (damaged || !same_events(archived == nullptr ? Digest{} : archived->digest, rows))
        differing.push_back(at);
    }
    const auto place = [&](std::size_t at) { return std::make_tuple(coverage_.cells[at].hour, at); };
    std::sort(differing.begin(), differing.end(),
              [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
    return ids_.compare(differing);
  }

  // Whose rows have no honest source, though the hour is not sealed: nothing of it is archived, and it is
  // none of those that are just being archived.
  Result<bool> beyond_archive(const GapCell& cell) {
    if (cell.sealed || cell.unreadable || cell.numbers.extra == 0 || cell.hour < *archive_.span.end)
      return false;
    if (behind_.may_be_on_its_way(cell.hour.start(), cell.hour.start())) return false;
    CV_ASSIGN(const Hour end, behind_.end_by_now());
    return cell.hour >= end;
  }

  // A range whose times nobody knows may touch any hour.
  static bool touches(const LostRange& range, Hour hour) {
    return (!range.entry.from || *range.entry.from < hour.end()) &&
           (!range.entry.to || hour.start() <= *range.entry.to);
  }

  bool unknown_lost_in(Hour hour) const {
    return std::any_of(archive_.lost.begin(), archive_.lost.end(),
                       [&](const LostRange& range) { return range.entry.unbounded && touches(range, hour); });
  }

  bool lost_in(Hour hour) const {
    return std::any_of(archive_.lost.begin(), archive_.lost.end(),
                       [&](const LostRange& range) { return touches(range, hour); });
  }

  CellEvidence evidence_of(std::size_t at) const {
    CellEvidence evidence;
    evidence.numbers = coverage_.cells[at].numbers;
    if (in_archive_[at] != nullptr) evidence.archive_digest = in_archive_[at]->digest.sum;
    if (in_warehouse_[at] != nullptr) evidence.warehouse_digest = in_warehouse_[at]->digest;
    for (const LostRange& range : archive_.lost) {
      if (touches(range, coverage_.cells[at].hour))
        evidence.lost += range.entry.last.value - range.entry.first.value + 1;
    }
    return evidence;
  }

  Result<void> judge() {
    for (const LedgerProblem& problem : archive_.problems) {
      coverage_.problems.push_back({problem.error, std::nullopt, costs_the_scope(problem)});
    }
    std::vector<bool> lost;
    std::vector<bool> unknown;
    for (const Hour hour : hours_) {
      lost.push_back(lost_in(hour));
      unknown.push_back(unknown_lost_in(hour));
    }
    for (std::size_t at = 0; at < coverage_.cells.size(); ++at) {
      GapCell& cell = coverage_.cells[at];
      CellFacts facts;
      facts.numbers = cell.numbers;
      facts.covered = archive_.span.covers(cell.hour);
      facts.sealed = cell.sealed;
      CV_ASSIGN(facts.beyond, beyond_archive(cell));
      facts.lost = lost[at % hours_.size()];
      cell.lost_unknown = unknown[at % hours_.size()];
      facts.all_pending = ids_.all_pending(at);
      cell.state = classify(facts);
      if (options_.acknowledged && is_gap(cell.state)) {
        facts.acknowledged = options_.acknowledged(cell, coverage_.ns(cell), evidence_of(at));
        cell.state = classify(facts);
      }
      ++coverage_.summary[cell.state];
    }
    return {};
  }

  const ArchiveSide& archive_;
  Warehouse& warehouse_;
  const CoverageOptions& options_;
  const Scope& asked_;
  Scope scope_;  // with whole hours
  Coverage coverage_;
  std::vector<Hour> hours_;
  std::vector<std::size_t> hour_position_;  // by distance from the range's first hour: place in hours_
  std::vector<WarehouseCell> warehouse_cells_;
  std::vector<const HourCell*> in_archive_;
  std::vector<const WarehouseCell*> in_warehouse_;
  HoursBehind behind_;
  IdComparer ids_;
};

}  // namespace

std::int64_t Coverage::gaps() const {
  std::int64_t sum = 0;
  for (const auto& [state, cells_of_state] : summary) sum += is_gap(state) ? cells_of_state : 0;
  return sum + gaps_outside();
}

std::int64_t Coverage::gaps_outside() const {
  return std::count_if(outside.begin(), outside.end(),
                       [](const OutsideCell& cell) { return is_gap(cell.state); });
}

std::int64_t Coverage::misplaced() const {
  std::int64_t sum = 0;
  for (const GapCell& cell : cells) sum += cell.misplaced;
  return sum;
}

bool Coverage::quiet() const {
  return summary.size() == 1 && summary.contains(GapState::kQuiet) && gaps_outside() == 0;
}

bool same_events(const Digest& archive, const WarehouseCell* warehouse) {
  if (warehouse == nullptr) return archive == Digest{};
  return same_set(archive, *warehouse) && warehouse->shared == 0;
}

bool same_set(const Digest& archive, const WarehouseCell& warehouse) {
  return archive == Digest{warehouse.rows, warehouse.digest} && warehouse.null_ids == 0 &&
         warehouse.rows == warehouse.distinct;
}

ArchiveSide archive_side(HourCatalog& catalog) {
  ArchiveSide side;
  side.span = {catalog.first_hour(), catalog.end(), catalog.sealed_from(), catalog.sealed_to()};
  side.namespaces = catalog.namespaces();
  side.cells = catalog.cells();
  side.lost = catalog.lost();
  side.problems = catalog.problems();
  side.files_span_cells = catalog.files_span_cells();
  side.objects_of = [&catalog](const HourCell& cell) { return catalog.objects_of(cell); };
  side.listings_of = [&catalog](std::span<const HourCell> cells) { return catalog.listings_of(cells); };
  return side;
}

Result<Coverage> find_gaps(const Scope& scope, const ArchiveSide& archive, Warehouse& warehouse,
                           RecordFeed& feed, const CoverageOptions& options) {
  return Comparison(scope, archive, warehouse, feed, options).run();
}

}  // namespace changevault
