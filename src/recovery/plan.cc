#include "recovery/plan.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "base/hash.h"
#include "recovery/segment_ids.h"

namespace changevault {
namespace {

PlannedSegment planned(const ListedSegment& segment) {
  const SegmentFacts& facts = segment.facts;
  return {.key = facts.key,
          .sha256 = facts.sha256,
          .ns = facts.ns,
          .hour = facts.hour,
          .partition = facts.partition,
          .slot = segment.slot,
          .records = facts.records,
          .bytes = facts.bytes};
}

// Counts the event_ids of a plan's records, each once, and how many of them the warehouse has. Ids are not
// all held at once: they are dealt into `passes` classes by their value, one class for each reading of the
// segments.
class IdCount {
 public:
  IdCount(const PlanRequest& request, RecordFeed& feed, Warehouse& warehouse)
      : request_(request), counting_(feed, request.scope), warehouse_(warehouse) {}

  Result<void> run(const PlanProgress& progress) {
    std::int64_t records = 0;
    for (const ListedSegment* segment : request_.segments) records += segment->facts.records;
    const std::int64_t passes = records / request_.ids_in_memory + 1;
    const auto all = static_cast<std::int64_t>(request_.segments.size()) * passes;
    std::int64_t done = 0;
    for (std::int64_t pass = 0; pass < passes; ++pass) {
      PlanCells::Ids ids;
      for (const ListedSegment* segment : request_.segments) {
        CV_TRY(read(*segment, static_cast<std::uint64_t>(pass), static_cast<std::uint64_t>(passes), ids));
        if (progress) progress(++done, all);
      }
      CV_TRY(cells_.settle(std::move(ids), warehouse_));
    }
    return {};
  }

  const CountingFeed& counting() const { return counting_; }
  Result<std::vector<PlannedCell>> cells() { return cells_.finish(warehouse_); }

 private:
  Result<void> read(const ListedSegment& segment, std::uint64_t pass, std::uint64_t passes,
                    PlanCells::Ids& ids) {
    CV_TRY(counting_.read_facts(reference_to(segment), [&](const RecordView& record) -> Result<void> {
      if (pass == 0) cells_.count(record);
      const bool ours = passes == 1 || EventId::of_text(record.event_id).low % passes == pass;
      if (ours) ids.add(record.event_id, cells_.of(record));
      return {};
    }));
    return pass == 0 ? agrees_with_ledger(segment) : Result<void>{};
  }

  // Where the scope takes the whole segment, the ledger has counted it before.
  Result<void> agrees_with_ledger(const ListedSegment& segment) const {
    const SegmentFacts& facts = segment.facts;
    const ScanFacts& scan = counting_.of(facts.key);
    if (!takes_whole(request_.scope, segment)) return {};
    if (scan.rows == facts.records && scan.digest == facts.digest && scan.operations == facts.operations)
      return {};
    return Error(ErrorCode::kValidation, "a segment does not hold what the ledger says: " + to_string(scan),
                 facts.key, "run verify on this scope");
  }

  const PlanRequest& request_;
  CountingFeed counting_;
  Warehouse& warehouse_;
  PlanCells cells_;
};

}  // namespace

std::string make_recovery_id(Timestamp now, Random& random) {
  std::string id;
  for (const char c : to_rfc3339_seconds(now)) {
    if (c != '-' && c != ':') id.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return id + "_" + random.nonce().substr(0, 8);
}

Result<RecoverableSegments> segments_to_recover(HourCatalog& catalog, const Coverage& gaps) {
  std::map<std::pair<Hour, Namespace>, std::size_t> wanted;
  RecoverableSegments out;
  for (std::size_t at = 0; at < gaps.cells.size(); ++at) {
    const GapCell& cell = gaps.cells[at];
    if (!cell.can_be_put_back()) continue;
    if (cell.unreadable) {
      out.left_out.push_back(at);
    } else {
      wanted.emplace(std::pair(cell.hour, gaps.ns(cell)), at);
    }
  }
  std::vector<HourCell> cells;
  std::map<std::pair<Hour, Namespace>, Digest> promised;
  for (const HourCell& cell : catalog.cells()) {
    const auto place = std::pair(cell.hour, catalog.namespaces()[cell.ns]);
    if (!wanted.contains(place)) continue;
    cells.push_back(cell);
    promised.emplace(place, cell.digest);
  }
  CV_ASSIGN(out.segments, catalog.listings_of(cells));
  // What stands in ledger slots that cannot be read is not among them.
  std::map<std::pair<Hour, Namespace>, Digest> listed;
  for (const ListedSegment& s : out.segments) {
    for_each_place(
        s, [&](Hour hour, const Namespace& ns, const Digest& digest) { listed[{hour, ns}] += digest; });
  }
  std::erase_if(promised, [&](const auto& cell) { return cell.second == listed[cell.first]; });
  for (const auto& [place, digest] : promised) out.left_out.push_back(wanted.at(place));
  std::erase_if(out.segments, [&](const ListedSegment& s) {
    bool left_out = false;
    for_each_place(s, [&](Hour hour, const Namespace& ns, const Digest&) {
      left_out = left_out || promised.contains({hour, ns});
    });
    return left_out;
  });
  std::sort(out.left_out.begin(), out.left_out.end());
  return out;
}

Result<RecoveryPlan> make_plan(const PlanRequest& request, RecordFeed& feed, Warehouse& warehouse,
                               const PlanProgress& progress) {
  IdCount ids(request, feed, warehouse);
  CV_TRY(ids.run(progress));
  RecoveryPlan plan;
  plan.id = request.id;
  plan.scope = request.scope;
  for (const ListedSegment* segment : request.segments) {
    // A file without a record in scope has no part in it.
    if (ids.counting().of(segment->facts.key).rows > 0) plan.segments.push_back(planned(*segment));
  }
  plan.expected = ids.counting().total();
  CV_ASSIGN(plan.cells, ids.cells());
  plan.sum_cells();
  plan.created = request.now;
  plan.actor = request.actor;
  return plan;
}

void RecoveryPlan::sum_cells() {
  distinct = already_present = 0;
  for (const PlannedCell& cell : cells) {
    distinct += cell.distinct;
    already_present += cell.already_present;
  }
}

Result<std::vector<ShrunkCell>> shrunk_cells(const RecoveryPlan& plan, Warehouse& warehouse) {
  CV_ASSIGN(const std::vector<std::int64_t> now, rows_of_cells(plan.cells, warehouse));
  std::vector<ShrunkCell> out;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i] < plan.cells[i].warehouse) out.push_back({plan.cells[i], now[i]});
  }
  return out;
}

Result<void> check_plan_fits(const RecoveryPlan& plan, const Catalog& catalog) {
  for (const PlannedSegment& segment : plan.segments) {
    const ListedSegment* listed = catalog.find(segment.key);
    if (listed != nullptr && listed->facts.sha256 == segment.sha256) continue;
    return Error(ErrorCode::kStalePlan,
                 listed == nullptr ? "the plan names a segment that the ledger does not list"
                                   : "the plan names a segment by another checksum than the ledger",
                 segment.key, "make the plan anew with: changevault recover SCOPE --plan=FILE");
  }
  return {};
}

}  // namespace changevault
