#include "service/status.h"

#include <algorithm>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "archive/resume_point.h"
#include "recovery/executor.h"
#include "recovery/journal.h"
#include "service/read_catalog.h"
#include "service/recent_gaps.h"
#include "service/warehouse_rows.h"

namespace changevault {
namespace {

ArchiveStatus archive_status(const HourCatalog& catalog) {
  ArchiveStatus out;
  out.sealed_to = catalog.sealed_to();
  for (const HourCell& cell : catalog.cells()) {
    out.segments += cell.segments;
    out.records += cell.digest.records;
  }
  out.adopted = static_cast<std::int64_t>(catalog.adopted().size());
  out.segments += out.adopted;
  // Hours without any event are no part of what is archived, unless there are no others.
  const auto& cells = catalog.cells();
  out.first_hour = cells.empty() ? catalog.first_hour() : cells.front().hour;
  if (catalog.end()) out.last_hour = cells.empty() ? Hour{catalog.end()->index - 1} : cells.back().hour;
  if (out.segments == 0 && catalog.dead_letters() == 0) out.first_hour.reset();
  out.dead_letters = catalog.dead_letters();
  out.collections = static_cast<std::int64_t>(catalog.namespaces().size());
  out.lost_ranges = static_cast<std::int64_t>(catalog.lost().size());
  return out;
}

// The newest slot of a chain: who wrote it, and when.
Result<void> add_newest_slot(Chain& chain, Slot end, PartitionStatus& status) {
  const Result<WalkedEntry> read = read_entry(chain, end.previous());
  if (!read && is_ledger_damage(read.error())) status.damage = read.error();
  if (!read) return status.damage ? Result<void>() : read.error();
  const EntryBody& body = read->entry.body;
  status.owner = read->entry.header.owner;
  status.written = read->entry.header.time;
  if (const auto* claim = std::get_if<ClaimEntry>(&body)) status.watermark = claim->reached;
  if (const auto* commit = std::get_if<CommitEntry>(&body)) status.watermark = commit->reached;
  return {};
}

Result<PartitionStatus> partition_status(Parts& parts, const HourCatalog& catalog,
                                         const PartitionBounds& bounds) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  PartitionStatus status;
  status.partition = bounds.partition;
  Chain chain(*store, parts.layout().partition_chain(bounds.partition));
  const Result<ResumePoint> point = read_next(chain, catalog.promised_end(bounds.partition));
  if (!point && !is_ledger_damage(point.error())) return point.error();
  // What the hub holds behind a position that is not known is not known either.
  if (!point) {
    status.damage = point.error();
    return status;
  }
  status.position = point->next;
  status.epoch = point->epoch;
  if (point->end > Slot(0)) CV_TRY(add_newest_slot(chain, point->end, status));
  const Sequence next = status.position.value_or(bounds.first);
  status.deleted = std::max<std::int64_t>(0, bounds.first.value - next.value);
  status.behind = std::max<std::int64_t>(0, bounds.next.value - std::max(next, bounds.first).value);
  return status;
}

Result<std::vector<PartitionStatus>> partition_status(Parts& parts, const HourCatalog& catalog) {
  CV_ASSIGN(Hub* const opened, parts.hub());
  Hub& hub = *opened;
  CV_ASSIGN(const HubDescription described, hub.describe());
  // The positions of one hub say nothing about another.
  if (catalog.hub() && described.identity != catalog.hub()->identity) {
    return Error(ErrorCode::kValidation, "the archive belongs to another hub than this one", hub.url(),
                 "the hub was replaced, or hub.url or store.root is wrong; archive will refuse to run");
  }
  CV_ASSIGN(const std::vector<PartitionBounds> all, hub.bounds());
  std::vector<PartitionStatus> out;
  for (const PartitionBounds& bounds : all) {
    CV_ASSIGN(PartitionStatus status, partition_status(parts, catalog, bounds));
    out.push_back(std::move(status));
  }
  return out;
}

// Side tables belong to recoveries that run now, or to ones that were killed: the journal does not tell
// which.
Result<std::vector<LeftStage>> left_stages(Parts& parts, Warehouse& warehouse) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(const std::vector<std::string> ids, warehouse.stages());
  std::vector<LeftStage> out;
  for (const std::string& stage : ids) {
    const std::string id = recovery_of_chunk(stage);
    if (!out.empty() && out.back().id == id) continue;
    const Result<std::vector<JournalEntry>> journal = read_journal(*store, parts.layout(), id);
    out.push_back({id, journal && !journal->empty() ? name(journal->back().step) : "unknown"});
  }
  return out;
}

Result<WarehouseStatus> warehouse_status(Parts& parts, const ArchiveStatus& archive) {
  CV_ASSIGN(Warehouse* const warehouse, parts.warehouse());
  WarehouseStatus out;
  CV_ASSIGN(out.stages, left_stages(parts, *warehouse));
  CV_ASSIGN(const std::vector<LoadedSlot> slots, warehouse->loaded_slots());
  for (const LoadedSlot& slot : slots) out.loaded += slot.segments;
  out.waiting = std::max<std::int64_t>(0, archive.segments - archive.adopted - out.loaded);
  const std::string& table = parts.configuration().warehouse.table;
  CV_ASSIGN(out.last_load, newest_load(*warehouse, table, true));
  CV_ASSIGN(out.last_recovery, newest_load(*warehouse, table, false));
  return out;
}

// Whoever holds the warehouse is at work: nothing is wrong, but it is not known how things stand.
Error told(Error error) {
  if (error.code != ErrorCode::kBusy) return error;
  return Error(ErrorCode::kIndeterminate,
               "the warehouse is busy, so it was not asked (" + error.message + ")", error.object,
               "ask again when the load or the recovery that holds it is done", true);
}

template <typename T>
void keep(Result<T> result, std::optional<T>& into, std::vector<Error>& failures) {
  if (result.has_value()) {
    into = std::move(result).value();
  } else {
    failures.push_back(told(std::move(result).error()));
  }
}

void add_gap_attention(const GapStatus& gaps, std::vector<std::string>& say) {
  const std::string since = to_rfc3339_seconds(gaps.range.from).substr(0, 10);
  const std::string n = std::to_string(gaps.gaps);
  if (gaps.gaps > 0 && gaps.proven) {
    say.push_back(n + (gaps.gaps == 1 ? " gap" : " gaps") + " since " + since +
                  "; see them with: changevault gaps --from " + since +
                  "; put back what is missing with: changevault recover --gaps");
  } else if (gaps.gaps > 0) {
    say.push_back("archive and warehouse differ in " + n + (gaps.gaps == 1 ? " hour" : " hours") +
                  " of collections since " + since + "; see what is missing with: changevault gaps --from " +
                  since);
  }
  if (gaps.outside > 0) {
    say.push_back(std::to_string(gaps.outside) + (gaps.outside == 1 ? " row" : " rows") +
                  " of the warehouse belong to no hour of the archive or are copies there; see them with: "
                  "changevault gaps");
  }
  if (gaps.damaged_acks > 0) {
    say.push_back(
        "acknowledgements are damaged, those up to the last damaged one do not count; see them with: "
        "changevault ack --list");
  }
}

void add_attention(Status& status) {
  const auto say = [&](std::string words) { status.attention.push_back(std::move(words)); };
  if (status.archive && status.archive->dead_letters > 0) {
    say("messages that are no change events are kept as dead letters; see them with: changevault ls "
        "--dead-letters, and why with: changevault cat FILE");
  }
  if (status.archive && status.archive->lost_ranges > 0) {
    say("the hub lost events before they were archived; see the hours with: changevault gaps");
  }
  std::int64_t behind = 0;
  std::int64_t deleted = 0;
  for (const PartitionStatus& p : status.partitions.value_or(std::vector<PartitionStatus>())) {
    behind += p.behind;
    deleted += p.deleted;
  }
  if (deleted > 0) {
    say("the hub has deleted " + std::to_string(deleted) + (deleted == 1 ? " event" : " events") +
        " that are not archived, and archive refuses to pass over them; if they cannot be brought back: "
        "changevault "
        "archive --accept-loss");
  } else if (behind > 0) {
    say("events wait in the hub; archive them with: changevault archive (or changevault run)");
  }
  if (status.warehouse && status.warehouse->waiting > 0) {
    say("archived segments wait to be loaded; load them with: changevault load (or changevault run)");
  }
  if (status.archive && status.archive->first_hour && !status.archive->sealed_to) {
    say("no hour is sealed yet, so nothing can be proven complete; hours are sealed while archive (or run) "
        "goes "
        "on, and an import ends with: changevault archive --once --close");
  }
  if (status.gaps) add_gap_attention(*status.gaps, status.attention);
  for (const LeftStage& stage : status.warehouse ? status.warehouse->stages : std::vector<LeftStage>()) {
    say("recovery " + stage.id + " left its side table (last step: " + stage.last_step +
        "); where nobody works on it any more, end it with: changevault recover --resume " + stage.id);
  }
}

// Of the chains' ends, where the catalog has not told of the same slot.
void add_damage(Status& status) {
  for (const PartitionStatus& p : status.partitions.value_or(std::vector<PartitionStatus>())) {
    const auto same = [&](const Error& known) { return p.damage && known.object == p.damage->object; };
    if (p.damage && std::none_of(status.failures.begin(), status.failures.end(), same))
      status.failures.push_back(*p.damage);
  }
}

}  // namespace

Status read_status(Parts& parts, std::stop_token stop) {
  Status status;
  std::optional<HourCatalog> catalog;
  const auto read = [&]() -> Result<HourCatalog> {
    CV_ASSIGN(ObjectStore* const store, parts.store());
    Result<HourCatalog> found = read_hour_catalog(*store, parts.layout());
    if (found.has_value() || found.error().code != ErrorCode::kNotFound) return found;
    return Error(ErrorCode::kIndeterminate, "there is no archive yet", store->url(),
                 "make one with: changevault init");
  };
  keep(read(), catalog, status.failures);
  if (!catalog) return status;
  for (const LedgerProblem& problem : catalog->problems()) status.failures.push_back(problem.error);
  status.archive = archive_status(*catalog);
  keep(partition_status(parts, *catalog), status.partitions, status.failures);
  add_damage(status);
  keep(warehouse_status(parts, *status.archive), status.warehouse, status.failures);
  // A warehouse that does not answer is named once.
  if (status.warehouse) keep(recent_gaps(parts, *catalog, stop), status.gaps, status.failures);
  add_attention(status);
  return status;
}

}  // namespace changevault
