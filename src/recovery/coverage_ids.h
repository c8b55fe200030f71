// The cells whose numbers differ, compared by their event_ids.
//
// The problem: an event may stand in another cell of the warehouse than the one that is looked at. Where the
// archive holds it there as well (the hub gave it twice), all is right; else the row is not where it belongs,
// and its place lacks it. So the archive is asked about every other place: once for each, for many cells at a
// time, as reading a place costs its segments.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "recovery/coverage.h"
#include "warehouse/id_set.h"

namespace changevault {

// What both sides say about each cell of `coverage`; null where they say nothing.
struct CoverageGrid {
  Coverage& coverage;
  const std::vector<const HourCell*>& in_archive;
  const std::vector<const WarehouseCell*>& in_warehouse;
};

// Fills in the numbers of cells, their `unreadable` and the coverage's problems. All that it is made of
// outlives it.
class IdComparer {
 public:
  IdComparer(CoverageGrid grid, const ArchiveSide& archive, Warehouse& warehouse, RecordFeed& feed,
             const CoverageOptions& options)
      : grid_(grid), archive_(archive), warehouse_(warehouse), feed_(feed), options_(options) {}

  // These cells, by their place in the coverage; best hour by hour, as the archive's side is looked up that
  // way.
  Result<void> compare(std::span<const std::size_t> cells);
  // All that the cell lacks was listed within the grace time and is not loaded yet.
  bool all_pending(std::size_t cell) const { return pending_.contains(cell); }

 private:
  // A cell with what the archive has for it.
  struct Differing {
    std::size_t at;
    std::vector<SegmentRef> objects;
    std::vector<std::string> ids;  // different ones
  };
  // A cell whose ids stand at other places too, until the archive was asked about these.
  struct Placed {
    std::size_t at;
    std::int64_t elsewhere;
    std::vector<IdsAt> elsewhere_at;
    std::vector<IdsAt> also_at;
    IdSet held;     // those elsewhere that the archive holds there
    IdSet doubled;  // those here whose row at an earlier place is right as well
  };
  struct Question {
    Placed* asker;
    const IdsAt* at;
    bool also;
  };

  GapCell& cell(std::size_t at) { return grid_.coverage.cells[at]; }
  bool recent(std::size_t at) const;
  Result<void> tell_cell();
  Result<void> compare_group(std::span<const std::size_t> group);
  Result<bool> find_objects(Differing& differing);
  Result<std::vector<std::string>> ids_of(std::span<const SegmentRef> objects, std::size_t at);
  Result<void> each_id_at(const SegmentRef& object, Hour hour, const Namespace& ns,
                          const std::function<void(std::string_view)>& each);
  Result<void> cannot_read(std::size_t at, Error error);
  Result<void> read_live_loads(const std::vector<Differing>& cells);
  Result<void> compare_read(Differing differing);
  Result<void> settle_absent();
  Result<void> compare_ids(Differing differing);
  Result<void> settle_with_rows();
  Result<void> take(const Differing& compared, std::int64_t distinct, IdComparison sets);
  Result<void> count_rows_again(std::size_t at);
  Result<void> settle_places();
  Result<void> ask_archive(Hour hour, const Namespace& ns, std::span<const Question> questions);
  const HourCell* archived(Hour hour, const Namespace& ns) const;
  Result<bool> numbers_prove(const HourCell& there, const Namespace& ns);
  void answer(const Question& question, const std::string& id);
  void note_recent(const Differing& compared);
  Result<void> settle_pending();
  Result<bool> only_fresh_missing(const Differing& compared,
                                  const std::unordered_set<std::string_view>& fresh);

  CoverageGrid grid_;
  const ArchiveSide& archive_;
  Warehouse& warehouse_;
  RecordFeed& feed_;
  const CoverageOptions& options_;
  std::set<std::string> loaded_;   // segments of recent cells that have a live load record
  std::vector<Differing> absent_;  // without a row, not settled yet
  std::size_t absent_ids_ = 0;
  std::vector<Differing> with_rows_;  // or perhaps with some elsewhere; not compared yet
  std::size_t with_rows_ids_ = 0;
  std::vector<Placed> placed_;  // not settled yet
  std::size_t placed_ids_ = 0;
  std::vector<Differing> recent_;  // compared, without their ids
  std::set<std::size_t> pending_;
  std::int64_t compared_ = 0;
  std::int64_t to_compare_ = 0;
};

}  // namespace changevault
