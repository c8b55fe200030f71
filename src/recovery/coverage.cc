#include "recovery/coverage.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_set>

#include "recovery/segment_ids.h"

namespace changevault {
namespace {

// Ids of one cell that are looked for in the rest of the archive; more are taken for extra without looking.
constexpr std::size_t kExtraLimit = 100'000;
// Ids of cells without a row that are asked for at once.
constexpr std::size_t kAbsentIds = 200'000;
// Cells whose objects are held in memory at once.
constexpr std::size_t kGroup = 4000;

// About this object alone: the other cells can be compared all the same.
bool is_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
}

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
    CV_ASSIGN(warehouse_cells_, warehouse_.cells(scope_));
    CV_TRY(list_namespaces());
    CV_TRY(make_grid());
    CV_TRY(compare_differing());
    CV_TRY(look_for_extras_elsewhere());
    judge();
    return std::move(coverage_);
  }

 private:
  struct Extras {
    std::size_t cell;
    std::vector<std::string> ids;
  };
  // A cell whose numbers differ, with what the archive has for it.
  struct Differing {
    std::size_t at;
    std::vector<SegmentRef> objects;
    std::vector<std::string> ids;  // different ones
  };

  void list_hours() {
    for (Hour hour = hour_of(scope_.time.from); hour.start() < scope_.time.to; hour = hour.next()) {
      hour_position_.push_back(hours_.size());
      if (scope_.touches(hour)) hours_.push_back(hour);
    }
  }

  // Something of the cell may have been listed so recently that loading is still to come.
  bool recent(std::size_t at) const {
    return in_archive_[at] != nullptr && options_.now - in_archive_[at]->listed_by < options_.load_grace;
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
      cell.unreadable = uncertain(cell.hour);
      cell.sealed = archive_.span.sealed(cell.hour) && !cell.unreadable;
    }
    in_archive_.resize(coverage_.cells.size());
    in_warehouse_.resize(coverage_.cells.size());
    all_pending_.resize(coverage_.cells.size());
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

  template <typename Cell>
  void place(Hour at, const Namespace& name, const Cell* cell, std::vector<const Cell*>& into) const {
    if (!scope_.touches(at)) return;
    const auto ns = std::lower_bound(coverage_.namespaces.begin(), coverage_.namespaces.end(), name);
    if (ns == coverage_.namespaces.end() || *ns != name) return;
    const auto hour = static_cast<std::size_t>(at.index - hour_of(scope_.time.from).index);
    const auto row = static_cast<std::size_t>(ns - coverage_.namespaces.begin());
    into[row * hours_.size() + hour_position_[hour]] = cell;
  }

  // Equal counts and digests, and each id once: equal sets, and no id was looked at.
  static bool agree(const HourCell* archive, const WarehouseCell* warehouse) {
    if (archive == nullptr) return warehouse == nullptr || warehouse->rows == 0;
    return warehouse != nullptr && archive->digest == Digest{warehouse->rows, warehouse->digest} &&
           warehouse->null_ids == 0 && warehouse->rows == warehouse->distinct;
  }

  // Hour by hour, as the archive's side is looked up that way.
  Result<void> compare_differing() {
    std::vector<std::size_t> differing;
    for (std::size_t at = 0; at < coverage_.cells.size(); ++at) {
      take_rows(at, in_warehouse_[at]);
      if (in_archive_[at] != nullptr) coverage_.cells[at].numbers.archive = in_archive_[at]->digest.records;
      if (!agree(in_archive_[at], in_warehouse_[at])) differing.push_back(at);
    }
    const auto place = [&](std::size_t at) { return std::make_tuple(coverage_.cells[at].hour, at); };
    std::sort(differing.begin(), differing.end(),
              [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
    const std::span<const std::size_t> all(differing);
    for (std::size_t first = 0; first < all.size(); first += kGroup) {
      CV_TRY(compare_group(all.subspan(first, std::min(kGroup, all.size() - first))));
    }
    return {};
  }

  Result<void> compare_group(std::span<const std::size_t> group) {
    std::vector<Differing> cells;
    for (const std::size_t at : group) {
      Differing cell{at, {}, {}};
      CV_ASSIGN(const bool known, find_objects(cell));
      if (known) cells.push_back(std::move(cell));
    }
    // Before the event_ids are looked for: a segment loaded in between is then a pending one that is there
    // already, not a loaded one whose events are missing.
    CV_TRY(read_live_loads(cells));
    for (Differing& cell : cells) {
      Result<std::vector<std::string>> ids = distinct_event_ids(feed_, cell.objects);
      if (!ids) {
        CV_TRY(cannot_read(cell.at, std::move(ids).error()));
        continue;
      }
      cell.ids = std::move(ids).value();
      CV_TRY(compare_read(std::move(cell)));
    }
    CV_TRY(settle_absent());
    return settle_pending();
  }

  Result<bool> find_objects(Differing& cell) {
    if (in_archive_[cell.at] == nullptr) return true;
    Result<std::vector<SealedSegment>> objects = archive_.objects_of(*in_archive_[cell.at]);
    if (!objects) {
      CV_TRY(cannot_read(cell.at, std::move(objects).error()));
      return false;
    }
    for (const SealedSegment& object : *objects) cell.objects.push_back(reference_to(object));
    return true;
  }

  // The cell keeps what the counts alone say.
  Result<void> cannot_read(std::size_t at, Error error) {
    if (!is_damage(error)) return error;
    GapCell& cell = coverage_.cells[at];
    const WarehouseCell* rows = in_warehouse_[at];
    cell.unreadable = true;
    cell.numbers =
        numbers_by_counts(cell.numbers, rows == nullptr ? 0 : cell.numbers.warehouse - rows->null_ids);
    coverage_.problems.push_back({std::move(error), at, true});
    return {};
  }

  Result<void> read_live_loads(const std::vector<Differing>& cells) {
    std::vector<std::string> keys;
    for (const Differing& cell : cells) {
      if (!recent(cell.at)) continue;
      for (const SegmentRef& object : cell.objects) keys.push_back(object.key);
    }
    loaded_.clear();
    if (keys.empty()) return {};
    CV_ASSIGN(loaded_, warehouse_.loaded_among(keys));
    return {};
  }

  Result<void> compare_read(Differing cell) {
    if (coverage_.cells[cell.at].numbers.warehouse > 0) return compare_ids(cell);
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
        note_missing(cell);
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
    note_missing(compared);
    return {};
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

  void note_missing(const Differing& cell) {
    if (coverage_.cells[cell.at].numbers.missing > 0 && recent(cell.at)) {
      missing_.push_back({cell.at, cell.objects, {}});
    }
  }

  // All that is missing is pending if nothing is missing of the segments that had their time.
  Result<void> settle_pending() {
    if (missing_.empty()) return {};
    std::vector<HourCell> asked;
    for (const Differing& cell : missing_) asked.push_back(*in_archive_[cell.at]);
    CV_ASSIGN(const std::vector<ListedSegment> listings, archive_.listings_of(asked));
    std::unordered_set<std::string_view> fresh;
    for (const ListedSegment& listed : listings) {
      if (options_.now - listed.listed_at < options_.load_grace && !loaded_.contains(listed.facts.key)) {
        fresh.insert(listed.facts.key);
      }
    }
    for (const Differing& cell : missing_) {
      CV_ASSIGN(all_pending_[cell.at], only_fresh_missing(cell, fresh));
    }
    missing_.clear();
    return {};
  }

  Result<bool> only_fresh_missing(const Differing& cell, const std::unordered_set<std::string_view>& fresh) {
    std::vector<SegmentRef> due;
    for (const SegmentRef& object : cell.objects) {
      if (!fresh.contains(object.key)) due.push_back(object);
    }
    if (due.empty()) return true;
    if (due.size() == cell.objects.size()) return false;
    Result<std::vector<std::string>> ids = distinct_event_ids(feed_, due);
    if (!ids) {
      CV_TRY(cannot_read(cell.at, std::move(ids).error()));
      return false;
    }
    CV_ASSIGN(const std::int64_t present, warehouse_.count_present(*ids));
    return present == static_cast<std::int64_t>(ids->size());
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
      CV_TRY(look_elsewhere(coverage_.namespaces[ns], {first, last}));
      first = last;
    }
    return {};
  }

  Result<void> look_elsewhere(const Namespace& ns, std::span<const Extras> extras) {
    std::unordered_set<std::string_view> wanted;
    for (const Extras& e : extras) wanted.insert(e.ids.begin(), e.ids.end());
    std::optional<Error> damage;
    CV_ASSIGN(const std::unordered_set<std::string_view> found, find_in_archive(ns, wanted, damage));
    for (const Extras& e : extras) {
      const auto held = std::count_if(e.ids.begin(), e.ids.end(),
                                      [&](const std::string& id) { return found.contains(id); });
      GapCell& cell = coverage_.cells[e.cell];
      cell.numbers.extra = std::max<std::int64_t>(0, cell.numbers.extra - held);
      if (!damage || cell.numbers.extra == 0) continue;
      cell.unreadable = true;  // the rows may be those of what is damaged
      coverage_.problems.push_back({*damage, e.cell, true});
    }
    return {};
  }

  // Which of these ids the archive holds in any hour of the collection. `damage`: the first thing that could
  // not be read.
  Result<std::unordered_set<std::string_view>> find_in_archive(
      const Namespace& ns, const std::unordered_set<std::string_view>& wanted, std::optional<Error>& damage) {
    std::unordered_set<std::string_view> found;
    for (const HourCell& cell : archive_.cells) {
      if (found.size() == wanted.size()) break;
      if (archive_.namespaces[cell.ns] != ns) continue;
      const Result<void> read = find_in_cell(cell, wanted, found);
      if (read) continue;
      if (!is_damage(read.error())) return read.error();
      if (!damage) damage = read.error();
    }
    return found;
  }

  Result<void> find_in_cell(const HourCell& cell, const std::unordered_set<std::string_view>& wanted,
                            std::unordered_set<std::string_view>& found) {
    CV_ASSIGN(const std::vector<SealedSegment> objects, archive_.objects_of(cell));
    for (const SealedSegment& object : objects) {
      CV_TRY(feed_.read(reference_to(object), [&](const RecordView& record) -> Result<void> {
        if (const auto it = wanted.find(record.event_id); it != wanted.end()) found.insert(*it);
        return {};
      }));
    }
    return {};
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

  void judge() {
    for (const LedgerProblem& problem : archive_.problems) {
      coverage_.problems.push_back({problem.error, std::nullopt, problem.from < problem.to});
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
      facts.lost = lost[at % hours_.size()];
      cell.lost_unknown = unknown[at % hours_.size()];
      facts.all_pending = all_pending_[at];
      cell.state = classify(facts);
      if (options_.acknowledged && is_gap(cell.state)) {
        facts.acknowledged = options_.acknowledged(cell, coverage_.ns(cell), evidence_of(at));
        cell.state = classify(facts);
      }
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
  std::set<std::string> loaded_;            // segments of recent cells that have a live load record
  std::vector<WarehouseCell> warehouse_cells_;
  std::vector<const HourCell*> in_archive_;
  std::vector<const WarehouseCell*> in_warehouse_;
  std::vector<bool> all_pending_;
  std::vector<Extras> extras_;
  std::vector<Differing> absent_;  // without a row, not settled yet
  std::size_t absent_ids_ = 0;
  std::vector<Differing> missing_;  // recent cells that lack events
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

ArchiveSide archive_side(HourCatalog& catalog) {
  ArchiveSide side;
  side.span = {catalog.first_hour(), catalog.end(), catalog.sealed_from(), catalog.sealed_to()};
  side.namespaces = catalog.namespaces();
  side.cells = catalog.cells();
  side.lost = catalog.lost();
  side.problems = catalog.problems();
  side.objects_of = [&catalog](const HourCell& cell) { return catalog.objects_of(cell); };
  side.listings_of = [&catalog](std::span<const HourCell> cells) { return catalog.listings_of(cells); };
  return side;
}

Result<Coverage> find_gaps(const Scope& scope, const ArchiveSide& archive, Warehouse& warehouse,
                           RecordFeed& feed, const CoverageOptions& options) {
  return Comparison(scope, archive, warehouse, feed, options).run();
}

}  // namespace changevault
