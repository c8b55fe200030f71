#include "recovery/coverage.h"

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_set>

#include "recovery/segment_ids.h"

namespace changevault {
namespace {

// Ids of one cell that are looked for in the rest of the archive; more are taken for extra without looking.
constexpr std::size_t kExtraLimit = 100'000;
// Ids of cells without a row that are asked for at once.
constexpr std::size_t kAbsentIds = 200'000;

Hour hour_not_before(Timestamp time) {
  const Hour hour = hour_of(time);
  return hour.start() == time ? hour : hour.next();
}

std::string describe_range(const TimeRange& range) {
  return to_rfc3339_seconds(range.from) + " to " + to_rfc3339_seconds(range.to);
}

Error nothing_known(const std::string& what, const Scope& scope, std::string hint) {
  return Error(ErrorCode::kIndeterminate, what, to_string(scope), std::move(hint));
}

// Whole hours of the scope, with the archive's own ends where the scope has none.
Result<TimeRange> hours_of_scope(const Scope& scope, const ArchiveSpan& span) {
  if (!scope.operations.empty() || !scope.key.empty() || !scope.pattern.empty()) {
    return Error(ErrorCode::kUsage, "gaps are counted for whole hours of collections", to_string(scope),
                 "leave out operations, keys and patterns; name database, collection, time and hours");
  }
  if (!span.first || !span.end) {
    return nothing_known("the archive is empty, so nothing is known", scope,
                         "run archive first; status shows what is archived");
  }
  TimeRange range;
  range.from = scope.time.from.ms == INT64_MIN ? span.first->start() : hour_of(scope.time.from).start();
  range.to = scope.time.to.ms == INT64_MAX ? span.end->start() : hour_not_before(scope.time.to).start();
  if (range.from >= range.to || range.to <= span.first->start() || range.from >= span.end->start()) {
    const TimeRange known{span.first->start(), span.end->start()};
    return nothing_known("the archive knows nothing about these hours", scope,
                         "it holds " + describe_range(known));
  }
  return range;
}

// The grid of all pairs of namespace and hour, and what both sides say about each.
class Comparison {
 public:
  Comparison(const Scope& scope, const ArchiveSide& archive, Warehouse& warehouse, RecordFeed& feed,
             const CoverageOptions& options)
      : archive_(archive), warehouse_(warehouse), feed_(feed), options_(options), scope_(scope) {}

  Result<Coverage> run() {
    CV_ASSIGN(scope_.time, hours_of_scope(scope_, archive_.span));
    coverage_.range = scope_.time;
    list_hours();
    // Before the counts: a segment loaded in between is then a pending one that is there already, not a
    // missing one.
    CV_TRY(read_live_loads());
    CV_ASSIGN(warehouse_cells_, warehouse_.cells(scope_));
    CV_TRY(list_namespaces());
    CV_TRY(make_grid());
    for (std::size_t at = 0; at < coverage_.cells.size(); ++at) CV_TRY(compare(at));
    CV_TRY(settle_absent());
    CV_TRY(look_for_extras_elsewhere());
    judge();
    return std::move(coverage_);
  }

 private:
  struct Extras {
    std::size_t cell;
    std::vector<std::string> ids;
  };
  // A cell whose numbers differ, with the different event_ids that the archive has for it.
  struct Differing {
    std::size_t at;
    std::vector<std::string> ids;
  };

  void list_hours() {
    for (Hour hour = hour_of(scope_.time.from); hour.start() < scope_.time.to; hour = hour.next()) {
      hour_position_.push_back(hours_.size());
      if (scope_.touches(hour)) hours_.push_back(hour);
    }
  }

  bool fresh(const ListedSegment& segment) const {
    return options_.now - segment.listed_at < options_.load_grace && !live_loads_.contains(segment.facts.key);
  }

  Result<void> read_live_loads() {
    const auto recent = [&](const ArchiveCell& cell) {
      return options_.now - cell.newest_listing < options_.load_grace;
    };
    if (std::none_of(archive_.cells.begin(), archive_.cells.end(), recent)) return {};
    CV_ASSIGN(live_loads_, warehouse_.live_loads());
    return {};
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
      cell.sealed = archive_.span.sealed(cell.hour);
    }
    in_archive_.resize(coverage_.cells.size());
    in_warehouse_.resize(coverage_.cells.size());
    all_pending_.resize(coverage_.cells.size());
    for (const ArchiveCell& cell : archive_.cells) place(cell, in_archive_);
    for (const WarehouseCell& cell : warehouse_cells_) place(cell, in_warehouse_);
    return {};
  }

  template <typename Cell>
  void place(const Cell& cell, std::vector<const Cell*>& into) const {
    if (!scope_.matches(cell.ns) || !scope_.touches(cell.hour)) return;
    const auto ns = std::lower_bound(coverage_.namespaces.begin(), coverage_.namespaces.end(), cell.ns);
    const auto hour = static_cast<std::size_t>(cell.hour.index - hour_of(scope_.time.from).index);
    const auto row = static_cast<std::size_t>(ns - coverage_.namespaces.begin());
    into[row * hours_.size() + hour_position_[hour]] = &cell;
  }

  // Equal counts and digests, and each id once: equal sets, and no id was looked at.
  static bool agree(const ArchiveCell* archive, const WarehouseCell* warehouse) {
    if (archive == nullptr) return warehouse == nullptr || warehouse->rows == 0;
    return warehouse != nullptr && archive->digest == Digest{warehouse->rows, warehouse->digest} &&
           warehouse->null_ids == 0 && warehouse->rows == warehouse->distinct;
  }

  Result<void> compare(std::size_t at) {
    const ArchiveCell* archive = in_archive_[at];
    take_rows(at, in_warehouse_[at]);
    CellNumbers& numbers = coverage_.cells[at].numbers;
    if (archive != nullptr) numbers.archive = archive->digest.records;
    if (agree(archive, in_warehouse_[at])) return {};
    Differing cell{at, {}};
    if (archive != nullptr) {
      CV_ASSIGN(cell.ids, distinct_event_ids(feed_, archive->segments));
    }
    if (numbers.warehouse > 0) return compare_ids(cell);
    absent_ids_ += cell.ids.size();
    absent_.push_back(std::move(cell));
    return absent_ids_ < kAbsentIds ? Result<void>{} : settle_absent();
  }

  // Cells without a row: a warehouse that was never loaded has hundreds of thousands of them, so one question
  // is asked for many. Only where some of their events are there after all (under another hour) each is
  // compared alone.
  Result<void> settle_absent() {
    std::vector<std::string> ids;
    ids.reserve(absent_ids_);
    for (const Differing& cell : absent_) ids.insert(ids.end(), cell.ids.begin(), cell.ids.end());
    std::int64_t present = 0;
    if (!ids.empty()) {
      CV_ASSIGN(present, warehouse_.count_present(ids));
    }
    for (const Differing& cell : absent_) {
      if (present > 0) {
        CV_TRY(compare_ids(cell));
      } else {
        CellNumbers& numbers = coverage_.cells[cell.at].numbers;
        numbers.missing = static_cast<std::int64_t>(cell.ids.size());
        numbers.repeats = numbers.archive - numbers.missing;
        CV_TRY(look_for_pending(cell.at));
      }
    }
    absent_.clear();
    absent_ids_ = 0;
    return {};
  }

  Result<void> compare_ids(const Differing& compared) {
    const GapCell& cell = coverage_.cells[compared.at];
    CV_ASSIGN(IdComparison sets,
              warehouse_.compare(cell.hour, coverage_.ns(cell), compared.ids, kExtraLimit));
    const auto distinct = static_cast<std::int64_t>(compared.ids.size());
    CellNumbers& numbers = coverage_.cells[compared.at].numbers;
    numbers.missing = sets.missing;
    numbers.duplicate = sets.duplicate;
    numbers.extra = sets.extra_count;
    numbers.repeats = numbers.archive - distinct + sets.elsewhere;
    if (numbers.distinct < distinct - sets.missing - sets.elsewhere) CV_TRY(count_rows_again(compared.at));
    if (cell.sealed && !sets.extra.empty()) extras_.push_back({compared.at, std::move(sets.extra)});
    return look_for_pending(compared.at);
  }

  void take_rows(std::size_t at, const WarehouseCell* warehouse) {
    if (warehouse == nullptr) return;
    coverage_.cells[at].numbers.warehouse = warehouse->rows;
    coverage_.cells[at].numbers.distinct = warehouse->distinct;
  }

  // Rows came between the count and the comparison: show the numbers that the verdict rests on.
  Result<void> count_rows_again(std::size_t at) {
    const GapCell& cell = coverage_.cells[at];
    Scope one;
    one.time = {cell.hour.start(), cell.hour.end()};
    CV_ASSIGN(const std::vector<WarehouseCell> now, warehouse_.cells(one));
    for (const WarehouseCell& counted : now) {
      if (counted.hour == cell.hour && counted.ns == coverage_.ns(cell)) take_rows(at, &counted);
    }
    return {};
  }

  // All that is missing is pending if nothing is missing of the segments that had their time.
  Result<void> look_for_pending(std::size_t at) {
    if (coverage_.cells[at].numbers.missing == 0) return {};
    std::vector<const ListedSegment*> due;
    for (const ListedSegment* segment : in_archive_[at]->segments) {
      if (!fresh(*segment)) due.push_back(segment);
    }
    if (due.size() == in_archive_[at]->segments.size()) return {};
    all_pending_[at] = true;
    if (due.empty()) return {};
    CV_ASSIGN(const std::vector<std::string> ids, distinct_event_ids(feed_, due));
    CV_ASSIGN(const std::int64_t present, warehouse_.count_present(ids));
    all_pending_[at] = present == static_cast<std::int64_t>(ids.size());
    return {};
  }

  // A row may stand under another hour than in the archive (a loader of somebody else's): it is not extra
  // then. The archive is read only where there are such rows, once for each collection.
  Result<void> look_for_extras_elsewhere() {
    std::sort(extras_.begin(), extras_.end(),
              [](const Extras& a, const Extras& b) { return a.cell < b.cell; });
    for (auto first = extras_.begin(); first != extras_.end();) {
      const std::uint32_t ns = coverage_.cells[first->cell].ns;
      const auto last = std::find_if(first, extras_.end(),
                                     [&](const Extras& e) { return coverage_.cells[e.cell].ns != ns; });
      std::unordered_set<std::string_view> wanted;
      for (auto it = first; it != last; ++it) wanted.insert(it->ids.begin(), it->ids.end());
      CV_ASSIGN(const std::unordered_set<std::string_view> found,
                find_in_archive(coverage_.namespaces[ns], wanted));
      for (auto it = first; it != last; ++it) {
        const auto held = std::count_if(it->ids.begin(), it->ids.end(),
                                        [&](const std::string& id) { return found.contains(id); });
        std::int64_t& extra = coverage_.cells[it->cell].numbers.extra;
        extra = std::max<std::int64_t>(0, extra - held);
      }
      first = last;
    }
    return {};
  }

  Result<std::unordered_set<std::string_view>> find_in_archive(
      const Namespace& ns, const std::unordered_set<std::string_view>& wanted) {
    std::unordered_set<std::string_view> found;
    for (const ListedSegment* segment : archive_.segments_of(ns)) {
      CV_TRY(feed_.read(reference_to(*segment), [&](const RecordView& record) -> Result<void> {
        if (const auto it = wanted.find(record.event_id); it != wanted.end()) found.insert(*it);
        return {};
      }));
      if (found.size() == wanted.size()) break;
    }
    return found;
  }

  // A range whose times nobody knows may touch any hour.
  bool lost_in(Hour hour) const {
    return std::any_of(archive_.lost.begin(), archive_.lost.end(), [&](const LostRange& range) {
      return (!range.entry.from || *range.entry.from < hour.end()) &&
             (!range.entry.to || hour.start() <= *range.entry.to);
    });
  }

  void judge() {
    std::vector<bool> lost;
    for (const Hour hour : hours_) lost.push_back(lost_in(hour));
    for (std::size_t at = 0; at < coverage_.cells.size(); ++at) {
      GapCell& cell = coverage_.cells[at];
      CellFacts facts;
      facts.numbers = cell.numbers;
      facts.covered = archive_.span.covers(cell.hour);
      facts.sealed = cell.sealed;
      facts.lost = lost[at % hours_.size()];
      facts.all_pending = all_pending_[at];
      facts.acknowledged = options_.acknowledged && options_.acknowledged(cell.hour, coverage_.ns(cell));
      cell.state = classify(facts);
      ++coverage_.summary[cell.state];
    }
  }

  const ArchiveSide& archive_;
  Warehouse& warehouse_;
  RecordFeed& feed_;
  const CoverageOptions& options_;
  Scope scope_;
  Coverage coverage_;
  std::vector<Hour> hours_;
  std::vector<std::size_t> hour_position_;  // by distance from the range's first hour: place in hours_
  std::map<std::string, std::string> live_loads_;
  std::vector<WarehouseCell> warehouse_cells_;
  std::vector<const ArchiveCell*> in_archive_;
  std::vector<const WarehouseCell*> in_warehouse_;
  std::vector<bool> all_pending_;
  std::vector<Extras> extras_;
  std::vector<Differing> absent_;  // without a row, not settled yet
  std::size_t absent_ids_ = 0;
};

}  // namespace

std::int64_t Coverage::gaps() const {
  std::int64_t sum = 0;
  for (const auto& [state, cells_of_state] : summary) sum += is_gap(state) ? cells_of_state : 0;
  return sum;
}

bool Coverage::quiet() const {
  return summary.size() == 1 && summary.contains(GapState::kQuiet);
}

ArchiveSide archive_side(const Catalog& catalog, const Scope& scope) {
  ArchiveSide side;
  side.span.first = catalog.first_hour();
  side.span.sealed_from = catalog.sealed_from();
  side.span.sealed_to = catalog.sealed_to();
  if (const std::optional<Hour> last = catalog.last_hour()) side.span.end = last->next();
  side.span.end = std::max(side.span.end, side.span.sealed_to);
  side.cells = catalog.cells(scope);
  side.namespaces = catalog.namespaces();
  side.lost = catalog.lost();
  side.segments_of = [&catalog](const Namespace& ns) {
    std::vector<const ListedSegment*> segments;
    for (const ListedSegment& segment : catalog.segments()) {
      if (segment.facts.ns == ns) segments.push_back(&segment);
    }
    return segments;
  };
  return side;
}

Result<Coverage> find_gaps(const Scope& scope, const ArchiveSide& archive, Warehouse& warehouse,
                           RecordFeed& feed, const CoverageOptions& options) {
  return Comparison(scope, archive, warehouse, feed, options).run();
}

}  // namespace changevault
