#include "service/status.h"

#include <algorithm>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "recovery/executor.h"
#include "recovery/journal.h"
#include "service/read_catalog.h"
#include "service/recent_gaps.h"

namespace changevault {
namespace {

ArchiveStatus archive_status(const Catalog& catalog) {
  ArchiveStatus out;
  out.first_hour = catalog.first_hour();
  out.last_hour = catalog.last_hour();
  out.sealed_to = catalog.sealed_to();
  for (const ListedSegment& listed : catalog.segments()) {
    ++out.segments;
    out.records += listed.facts.records;
    out.bytes += listed.facts.bytes;
  }
  for (const ListedSegment& listed : catalog.dead_letters()) out.dead_letters += listed.facts.records;
  out.collections = static_cast<std::int64_t>(catalog.namespaces().size());
  out.lost_ranges = static_cast<std::int64_t>(catalog.lost().size());
  return out;
}

struct SlotFacts {
  Epoch epoch{};
  std::string owner;
  std::optional<Timestamp> time;
};

Result<SlotFacts> newest_slot(Parts& parts, const PartitionState& state) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Chain chain(*store, parts.layout().partition_chain(state.partition));
  const Result<WalkedEntry> read = read_entry(chain, state.end.previous());
  // Damage is told once, with all other damage of the ledger.
  if (!read && is_ledger_damage(read.error())) return SlotFacts{};
  if (!read) return read.error();
  const WalkedEntry& walked = *read;
  SlotFacts facts{{}, walked.entry.header.owner, walked.entry.header.time};
  if (const auto* claim = std::get_if<ClaimEntry>(&walked.entry.body)) facts.epoch = claim->epoch;
  if (const auto* commit = std::get_if<CommitEntry>(&walked.entry.body)) facts.epoch = commit->epoch;
  if (const auto* lost = std::get_if<LostEntry>(&walked.entry.body)) facts.epoch = lost->epoch;
  return facts;
}

Result<std::vector<PartitionStatus>> partition_status(Parts& parts, const Catalog& catalog) {
  CV_ASSIGN(Hub* const opened, parts.hub());
  Hub& hub = *opened;
  CV_ASSIGN(const HubDescription described, hub.describe());
  // The positions of one hub say nothing about another.
  if (catalog.hub() != nullptr && described.identity != catalog.hub()->identity) {
    return Error(ErrorCode::kValidation, "the archive belongs to another hub than this one", hub.url(),
                 "the hub was replaced, or hub.url or store.root is wrong; archive will refuse to run");
  }
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, hub.bounds());
  std::vector<PartitionStatus> out;
  for (const PartitionBounds& b : bounds) {
    PartitionStatus status;
    status.partition = b.partition;
    Sequence next = b.first;
    for (const PartitionState& state : catalog.partitions()) {
      if (state.partition != b.partition) continue;
      status.archived = state.events;
      status.watermark = state.watermark;
      next = std::max(next, state.next.value_or(b.first));
      if (state.next) status.deleted = std::max<std::int64_t>(0, b.first.value - state.next->value);
      if (state.end == Slot(0)) continue;
      CV_ASSIGN(SlotFacts newest, newest_slot(parts, state));
      status.epoch = newest.epoch;
      status.owner = std::move(newest.owner);
      status.written = newest.time;
    }
    status.behind = std::max<std::int64_t>(0, b.next.value - next.value);
    out.push_back(status);
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

Result<WarehouseStatus> warehouse_status(Parts& parts, const Catalog& catalog) {
  CV_ASSIGN(Warehouse* const warehouse, parts.warehouse());
  CV_ASSIGN(const std::vector<LoadRecord> records, warehouse->load_records());
  WarehouseStatus out;
  CV_ASSIGN(out.stages, left_stages(parts, *warehouse));
  std::vector<std::string> loaded;
  for (const LoadRecord& record : records) {
    std::optional<LoadRecord>& last = record.live ? out.last_load : out.last_recovery;
    if (!last || last->time < record.time) last = record;
    if (record.live) loaded.push_back(record.segment.key);
  }
  std::sort(loaded.begin(), loaded.end());
  out.loaded = static_cast<std::int64_t>(loaded.size());
  for (const ListedSegment& listed : catalog.segments()) {
    const bool known = std::binary_search(loaded.begin(), loaded.end(), listed.facts.key);
    if (!known && !listed.adopted()) ++out.waiting;
  }
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

}  // namespace

Status read_status(Parts& parts, std::stop_token stop) {
  Status status;
  std::optional<Catalog> catalog;
  const auto read = [&]() -> Result<Catalog> {
    CV_ASSIGN(ObjectStore* const store, parts.store());
    Result<Catalog> found = read_catalog(*store, parts.layout());
    if (found.has_value() || found.error().code != ErrorCode::kNotFound) return found;
    return Error(ErrorCode::kIndeterminate, "there is no archive yet", store->url(),
                 "make one with: changevault init");
  };
  keep(read(), catalog, status.failures);
  if (!catalog) return status;
  for (const LedgerProblem& problem : catalog->problems()) status.failures.push_back(problem.error);
  status.archive = archive_status(*catalog);
  keep(partition_status(parts, *catalog), status.partitions, status.failures);
  keep(warehouse_status(parts, *catalog), status.warehouse, status.failures);
  // A warehouse that does not answer is named once.
  if (status.warehouse) keep(recent_gaps(parts, *catalog, stop), status.gaps, status.failures);
  add_attention(status);
  return status;
}

}  // namespace changevault
