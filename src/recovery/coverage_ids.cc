#include "recovery/coverage_ids.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "recovery/segment_ids.h"

namespace changevault {
namespace {

// Ids of cells without a row that are asked for at once.
constexpr std::size_t kAbsentIds = 200'000;
// Ids at other places that are kept until the archive is asked about them.
constexpr std::size_t kPlacedIds = 500'000;
// Ids of cells with rows that are asked for at once: the table is read for each question.
constexpr std::size_t kIdsAtOnce = 400'000;
// Cells whose objects are held in memory at once.
constexpr std::size_t kGroup = 4000;

// About this object alone: the other cells can be compared all the same.
bool is_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
}

std::size_t count_ids(const std::vector<IdsAt>& places) {
  std::size_t sum = 0;
  for (const IdsAt& place : places) sum += place.ids.size();
  return sum;
}

}  // namespace

Result<void> IdComparer::compare(std::span<const std::size_t> cells) {
  to_compare_ += static_cast<std::int64_t>(cells.size());
  for (std::size_t first = 0; first < cells.size(); first += kGroup) {
    CV_TRY(compare_group(cells.subspan(first, std::min(kGroup, cells.size() - first))));
  }
  return {};
}

Result<void> IdComparer::tell_cell() {
  return options_.on_cells ? options_.on_cells(compared_++, to_compare_) : Result<void>();
}

// Something of the cell may have been listed so recently that loading is still to come.
bool IdComparer::recent(std::size_t at) const {
  const HourCell* const archived = grid_.in_archive[at];
  return archived != nullptr && options_.now - archived->listed_by < options_.load_grace;
}

Result<void> IdComparer::compare_group(std::span<const std::size_t> group) {
  std::vector<Differing> cells;
  for (const std::size_t at : group) {
    Differing differing{at, {}, {}};
    CV_ASSIGN(const bool known, find_objects(differing));
    if (known) cells.push_back(std::move(differing));
  }
  // Before the event_ids are looked for: a segment loaded in between is then a pending one that is there
  // already, not a loaded one whose events are missing.
  CV_TRY(read_live_loads(cells));
  for (Differing& differing : cells) {
    CV_TRY(tell_cell());
    Result<std::vector<std::string>> ids = ids_of(differing.objects, differing.at);
    if (!ids) {
      CV_TRY(cannot_read(differing.at, std::move(ids).error()));
      continue;
    }
    differing.ids = std::move(ids).value();
    CV_TRY(compare_read(std::move(differing)));
  }
  const std::shared_ptr<void> open = warehouse_.keep_open();
  CV_TRY(settle_absent());
  CV_TRY(settle_with_rows());
  CV_TRY(settle_places());
  return settle_pending();
}

Result<bool> IdComparer::find_objects(Differing& differing) {
  const HourCell* const archived = grid_.in_archive[differing.at];
  if (archived == nullptr) return true;
  Result<std::vector<SealedSegment>> objects = archive_.objects_of(*archived);
  if (!objects) {
    CV_TRY(cannot_read(differing.at, std::move(objects).error()));
    return false;
  }
  for (const SealedSegment& object : *objects) differing.objects.push_back(reference_to(object));
  return true;
}

// The event_ids of the objects that belong to the cell, once each.
Result<std::vector<std::string>> IdComparer::ids_of(std::span<const SegmentRef> objects, std::size_t at) {
  if (!archive_.files_span_cells) return distinct_event_ids(feed_, objects);
  std::vector<std::string> ids;
  for (const SegmentRef& object : objects) {
    CV_TRY(each_id_at(object, cell(at).hour, grid_.coverage.ns(cell(at)),
                      [&](std::string_view id) { ids.emplace_back(id); }));
  }
  make_distinct(ids);
  return ids;
}

Result<void> IdComparer::each_id_at(const SegmentRef& object, Hour hour, const Namespace& ns,
                                    const std::function<void(std::string_view)>& each) {
  return feed_.read_facts(object, [&](const RecordView& record) -> Result<void> {
    const bool there = !archive_.files_span_cells || (hour_of(record.enqueued_time) == hour &&
                                                      record.database_name.value_or("") == ns.database &&
                                                      record.collection_name.value_or("") == ns.collection);
    if (there) each(record.event_id);
    return {};
  });
}

// The cell keeps what the counts alone say.
Result<void> IdComparer::cannot_read(std::size_t at, Error error) {
  if (!is_damage(error)) return error;
  GapCell& damaged = cell(at);
  const WarehouseCell* const rows = grid_.in_warehouse[at];
  const HourCell* const archived = grid_.in_archive[at];
  damaged.unreadable = true;
  // Counted before it was found out, and the counts are equal: at the least nothing is missing.
  const bool same = same_events(archived == nullptr ? Digest{} : archived->digest, rows);
  const std::int64_t ids = rows == nullptr ? 0 : damaged.numbers.warehouse - rows->null_ids;
  if (!same) damaged.numbers = numbers_by_counts(damaged.numbers, ids);
  grid_.coverage.problems.push_back({std::move(error), at, true});
  return {};
}

Result<void> IdComparer::read_live_loads(const std::vector<Differing>& cells) {
  std::vector<std::string> keys;
  for (const Differing& differing : cells) {
    if (!recent(differing.at)) continue;
    for (const SegmentRef& object : differing.objects) keys.push_back(object.key);
  }
  loaded_.clear();
  if (keys.empty()) return {};
  CV_ASSIGN(loaded_, warehouse_.loaded_among(keys));
  return {};
}

Result<void> IdComparer::compare_read(Differing differing) {
  if (cell(differing.at).numbers.warehouse > 0) return compare_ids(std::move(differing));
  absent_ids_ += differing.ids.size();
  absent_.push_back(std::move(differing));
  return absent_ids_ < kAbsentIds ? Result<void>{} : settle_absent();
}

// Cells without a row: a warehouse that was never loaded has hundreds of thousands of them, so the shortest
// question is asked for many. Only where some of their events are there after all (under another hour) they
// are compared.
Result<void> IdComparer::settle_absent() {
  std::vector<std::string> ids;
  ids.reserve(absent_ids_);
  for (const Differing& differing : absent_)
    ids.insert(ids.end(), differing.ids.begin(), differing.ids.end());
  std::int64_t present = 0;
  if (!ids.empty()) {
    CV_ASSIGN(present, warehouse_.count_present(ids));
  }
  for (Differing& differing : absent_) {
    if (present > 0) {
      CV_TRY(compare_ids(std::move(differing)));
    } else {
      CellNumbers& numbers = cell(differing.at).numbers;
      numbers.missing = static_cast<std::int64_t>(differing.ids.size());
      numbers.repeats = numbers.archive - numbers.missing;
      note_recent(differing);
    }
  }
  absent_.clear();
  absent_ids_ = 0;
  return {};
}

Result<void> IdComparer::compare_ids(Differing differing) {
  with_rows_ids_ += differing.ids.size();
  with_rows_.push_back(std::move(differing));
  return with_rows_ids_ < kIdsAtOnce ? Result<void>{} : settle_with_rows();
}

Result<void> IdComparer::settle_with_rows() {
  std::vector<CellIds> cells;
  std::vector<Differing> compared;
  for (Differing& differing : std::exchange(with_rows_, {})) {
    const GapCell& at = cell(differing.at);
    cells.push_back({at.hour, grid_.coverage.ns(at), std::move(differing.ids)});
    compared.push_back(std::move(differing));
  }
  with_rows_ids_ = 0;
  if (cells.empty()) return {};
  CV_ASSIGN(std::vector<IdComparison> found, warehouse_.compare(cells));
  for (std::size_t i = 0; i < cells.size(); ++i)
    CV_TRY(take(compared[i], static_cast<std::int64_t>(cells[i].ids.size()), std::move(found[i])));
  return placed_ids_ < kPlacedIds ? Result<void>{} : settle_places();
}

Result<void> IdComparer::take(const Differing& compared, std::int64_t distinct, IdComparison sets) {
  CellNumbers& numbers = cell(compared.at).numbers;
  numbers.missing = sets.missing;
  numbers.duplicate = sets.duplicate;
  numbers.extra = sets.extra;
  auto& strangers = grid_.coverage.strangers;
  if (!sets.extra_ids.empty() && strangers.size() < Coverage::kStrangersShown)
    strangers.emplace_back(compared.at, std::move(sets.extra_ids));
  numbers.repeats = numbers.archive - distinct;
  if (numbers.distinct < distinct - sets.missing - sets.elsewhere) CV_TRY(count_rows_again(compared.at));
  note_recent(compared);
  if (sets.elsewhere_at.empty() && sets.also_at.empty()) return {};
  placed_ids_ += count_ids(sets.elsewhere_at) + count_ids(sets.also_at);
  placed_.push_back(
      {compared.at, sets.elsewhere, std::move(sets.elsewhere_at), std::move(sets.also_at), {}, {}});
  return {};
}

// Rows came between the count and the comparison: show the numbers that the verdict rests on.
Result<void> IdComparer::count_rows_again(std::size_t at) {
  GapCell& counted = cell(at);
  Scope one;
  one.time = {counted.hour.start(), counted.hour.end()};
  CV_ASSIGN(const std::vector<WarehouseCell> now, warehouse_.cells(one));
  for (const WarehouseCell& rows : now) {
    if (rows.hour == counted.hour && rows.ns == grid_.coverage.ns(counted))
      counted.numbers.take_rows(rows.rows, rows.distinct);
  }
  return {};
}

// What stands elsewhere is right there only if the archive holds it there. Of an id that stands here and
// elsewhere, and both are places of the archive's, the row of the first place is the one that belongs there.
Result<void> IdComparer::settle_places() {
  std::map<std::pair<Hour, Namespace>, std::vector<Question>> places;
  for (Placed& placed : placed_) {
    const auto here = std::tie(cell(placed.at).hour, grid_.coverage.ns(cell(placed.at)));
    for (const IdsAt& at : placed.elsewhere_at) {
      if (at.hour) places[{*at.hour, at.ns}].push_back({&placed, &at, false});
    }
    for (const IdsAt& at : placed.also_at) {
      if (at.hour && std::tie(*at.hour, at.ns) < here)
        places[{*at.hour, at.ns}].push_back({&placed, &at, true});
    }
  }
  for (const auto& [place, questions] : places) CV_TRY(ask_archive(place.first, place.second, questions));
  for (const Placed& placed : placed_) {
    GapCell& settled = cell(placed.at);
    const auto held = static_cast<std::int64_t>(placed.held.size());
    settled.misplaced = placed.elsewhere - held;
    settled.numbers.missing += settled.misplaced;
    settled.numbers.repeats += held;
    settled.numbers.duplicate += static_cast<std::int64_t>(placed.doubled.size());
  }
  placed_.clear();
  placed_ids_ = 0;
  return {};
}

Result<void> IdComparer::ask_archive(Hour hour, const Namespace& ns, std::span<const Question> questions) {
  const HourCell* const there = archived(hour, ns);
  if (there == nullptr) return {};
  IdSet ids;
  const auto read = [&]() -> Result<void> {
    CV_ASSIGN(const std::vector<SealedSegment> objects, archive_.objects_of(*there));
    for (const SealedSegment& object : objects) {
      CV_TRY(each_id_at(reference_to(object), hour, ns, [&](std::string_view id) { ids.insert(id); }));
    }
    return {};
  };
  const Result<void> done = read();
  if (!done && !is_damage(done.error())) return done.error();
  bool proven = false;
  if (!done) {
    CV_ASSIGN(proven, numbers_prove(*there, ns));
  }
  for (const Question& question : questions) {
    // At the least: of a place that cannot be read nobody can say that its rows are wrong there.
    for (const std::string& id : question.at->ids) {
      if (done ? ids.contains(id) : proven || !question.also) answer(question, id);
    }
    if (done || proven) continue;
    cell(question.asker->at).unreadable = true;
    grid_.coverage.problems.push_back({done.error(), question.asker->at, true});
  }
  return {};
}

// Whether all rows at a place are together what the ledger counted there: then each of them belongs there.
Result<bool> IdComparer::numbers_prove(const HourCell& there, const Namespace& ns) {
  Scope hour;
  hour.time = {there.hour.start(), there.hour.end()};
  CV_ASSIGN(const std::vector<WarehouseCell> rows, warehouse_.cells(hour));
  return std::any_of(rows.begin(), rows.end(), [&](const WarehouseCell& cell) {
    return cell.hour == there.hour && cell.ns == ns && same_set(there.digest, cell);
  });
}

void IdComparer::answer(const Question& question, const std::string& id) {
  (question.also ? question.asker->doubled : question.asker->held).insert(id);
}

const HourCell* IdComparer::archived(Hour hour, const Namespace& ns) const {
  const auto name = std::lower_bound(archive_.namespaces.begin(), archive_.namespaces.end(), ns);
  if (name == archive_.namespaces.end() || *name != ns) return nullptr;
  const std::pair place(hour, static_cast<std::uint32_t>(name - archive_.namespaces.begin()));
  const auto found = std::lower_bound(
      archive_.cells.begin(), archive_.cells.end(), place,
      [](const HourCell& c, const auto& wanted) { return std::pair(c.hour, c.ns) < wanted; });
  return found != archive_.cells.end() && std::pair(found->hour, found->ns) == place ? &*found : nullptr;
}

void IdComparer::note_recent(const Differing& compared) {
  if (recent(compared.at)) recent_.push_back({compared.at, compared.objects, {}});
}

// All that is missing is pending if nothing is missing of the segments that had their time.
Result<void> IdComparer::settle_pending() {
  // Loading brings nothing that is there already, at another place.
  std::erase_if(recent_, [&](const Differing& c) {
    return cell(c.at).numbers.missing == 0 || cell(c.at).misplaced > 0;
  });
  if (recent_.empty()) return {};
  std::vector<HourCell> asked;
  for (const Differing& lacking : recent_) asked.push_back(*grid_.in_archive[lacking.at]);
  CV_ASSIGN(const std::vector<ListedSegment> listings, archive_.listings_of(asked));
  std::unordered_set<std::string_view> fresh;
  for (const ListedSegment& listed : listings) {
    const bool to_be_loaded = !listed.adopted() && !loaded_.contains(listed.facts.key);
    if (to_be_loaded && options_.now - listed.listed_at < options_.load_grace) {
      fresh.insert(listed.facts.key);
    }
  }
  for (const Differing& lacking : recent_) {
    CV_ASSIGN(const bool pending, only_fresh_missing(lacking, fresh));
    if (pending) pending_.insert(lacking.at);
  }
  recent_.clear();
  return {};
}

Result<bool> IdComparer::only_fresh_missing(const Differing& compared,
                                            const std::unordered_set<std::string_view>& fresh) {
  std::vector<SegmentRef> due;
  for (const SegmentRef& object : compared.objects) {
    if (!fresh.contains(object.key)) due.push_back(object);
  }
  if (due.empty()) return true;
  if (due.size() == compared.objects.size()) return false;
  Result<std::vector<std::string>> ids = distinct_event_ids(feed_, due);
  if (!ids) {
    CV_TRY(cannot_read(compared.at, std::move(ids).error()));
    return false;
  }
  CV_ASSIGN(const std::int64_t present, warehouse_.count_present(*ids));
  return present == static_cast<std::int64_t>(ids->size());
}

}  // namespace changevault
