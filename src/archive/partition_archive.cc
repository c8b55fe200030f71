#include "archive/partition_archive.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "archive/ledger_walk.h"
#include "archive/uploads.h"
#include "base/hash.h"
#include "codec/oversize_pointer.h"

namespace changevault {
namespace {

// Races for a claim that one owner takes part in before it leaves the partition to the others.
constexpr int kClaimAttempts = 8;

// Reads of the hub's start until two of them agree: its retention may be at work.
constexpr int kStartReads = 10;

Error hub_replaced(const HubComparison& found, const std::string& hub) {
  return Error(
      ErrorCode::kValidation, "this is not the hub that was archived: " + found.what, hub,
      "the hub was replaced or set back; nothing was written. Point hub.url at the hub that this archive "
      "belongs to; where the new one is to take its place, say so: changevault archive --new-epoch");
}

Error hub_overtook(const HubComparison& found, const std::string& hub) {
  return Error(
      ErrorCode::kValidation, found.what, hub,
      "its retention has overtaken the archive; nothing was written. If they cannot be brought back, "
      "'changevault archive --accept-loss' records them as lost and goes on behind them; if the hub was put "
      "back "
      "from an older copy, say 'changevault archive --new-epoch' instead");
}

Result<std::map<PartitionId, std::string>> partitions_with_objects(const Archiver::Parts& parts) {
  std::map<PartitionId, std::string> found;
  CV_TRY(for_each_object(parts.store, parts.layout.archive_prefix(),
                         [&](const ObjectInfo& info) -> Result<void> {
                           const auto name = parts.layout.parse(info.key);
                           if (name && name->origin) found.try_emplace(name->origin->partition, info.key);
                           return {};
                         }));
  return found;
}

}  // namespace

PartitionArchive::PartitionArchive(PartitionId partition, ArchiveContext& context)
    : partition_(partition),
      context_(context),
      chain_(context.parts.store, context.parts.layout.partition_chain(partition)),
      bodies_(context.parts.store, context.parts.layout),
      open_(context.options.segment) {}

Result<bool> PartitionArchive::claim(const ClaimTerms& terms) {
  for (int attempt = 1; attempt <= kClaimAttempts; ++attempt) {
    CV_ASSIGN(const ResumePoint resume, read_resume_point(chain_, terms.promised_end));
    if (resume.end == Slot(0)) CV_TRY(check_never_archived());
    if (resume.next && resume.epoch < context_.identity.epoch && !resume.closed) {
      const auto ended = end_epoch(resume, terms);
      if (!ended && ended.error().code != ErrorCode::kFenced) return ended.error();
      continue;  // behind it, or behind what another wrote first
    }
    bool overtaken = false;
    CV_ASSIGN(next_, start_of(resume, terms, overtaken));
    committed_next_ = next_;
    slot_ = claim_slot_ = resume.end;
    previous_sha_ = resume.previous_sha;
    floor_ = resume.next ? resume.floor : terms.floor;
    committed_reached_ = reached_ = resume.reached;
    const bool same_life = resume.next && resume.epoch == context_.identity.epoch;
    tail_ = same_life ? resume.tail : std::nullopt;
    const auto written = write_slot(ClaimEntry{context_.identity.epoch, next_, reached_, floor_});
    // Where another claim was quicker, what we read is old: read again from the end.
    if (!written && written.error().code == ErrorCode::kFenced) continue;
    CV_TRY(written);
    if (!overtaken) return true;
    const auto recorded = record_loss();
    if (!recorded && recorded.error().code == ErrorCode::kFenced) continue;
    CV_TRY(recorded);
    return true;
  }
  return false;
}

// Nothing is uploaded before a claim: objects of a partition without a chain say that the chain was deleted.
Result<void> PartitionArchive::check_never_archived() {
  if (!context_.uploaded) {
    CV_ASSIGN(context_.uploaded, partitions_with_objects(context_.parts));
  }
  const auto found = context_.uploaded->find(partition_);
  if (found == context_.uploaded->end()) return {};
  // Another owner may have claimed it, and uploaded, since the chain was looked at.
  CV_ASSIGN(const Slot end, chain_.find_end());
  if (end > Slot(0)) return {};
  return Error(ErrorCode::kCorrupt,
               fmt::format("the ledger of partition {} is gone, what was archived under it is there: {}",
                           partition_.value, found->second),
               chain_.folder(),
               "nothing was written. Bring the folder back from a copy of the archive: changevault repair "
               "--copy DIR; then "
               "find out who deletes below the archive's root");
}

// The first event to archive, behind what is; a new life of the hub begins with the oldest that it has.
Result<Sequence> PartitionArchive::start_of(const ResumePoint& resume, const ClaimTerms& terms,
                                            bool& overtaken) {
  const Archiver::Parts& parts = context_.parts;
  const Epoch epoch = context_.identity.epoch;
  if (!resume.next || resume.epoch < epoch) {
    CV_ASSIGN(const PartitionBounds bounds, bounds_of(parts.hub, partition_));
    // An archive begins with what the hub has; a partition that joined it later has been its own from 0 on.
    if (resume.next || !terms.joined_later || bounds.first == Sequence(0)) return bounds.first;
    overtaken = true;
    if (context_.options.accept_loss) return Sequence(0);
    return hub_overtook(
        {HubFit::kOvertaken, bounds,
         fmt::format("the hub no longer has the events 0 to {} of partition {}, which are not archived",
                     bounds.first.value - 1, partition_.value)},
        parts.hub.url());
  }
  if (resume.epoch > epoch || resume.closed) {
    return Error(ErrorCode::kFenced,
                 fmt::format("the archive has moved on to another hub: epoch {} has ended", epoch.value),
                 chain_.key(resume.end.previous()), "point hub.url at that hub, then start again");
  }
  CV_ASSIGN(const HubComparison found,
            compare_with_hub({parts.hub, bodies_, context_.builder, context_.identity}, partition_, resume));
  if (found.fit == HubFit::kReplaced) return hub_replaced(found, parts.hub.url());
  overtaken = found.fit == HubFit::kOvertaken;
  if (overtaken && !context_.options.accept_loss) return hub_overtook(found, parts.hub.url());
  return *resume.next;
}

// Nobody can say what a hub that is gone held behind the last event archived: a producer may have written to
// it until its last moment. Written before the first claim of the new epoch, so that whoever claims first
// after any kill writes it, and once; like any slot it fences the owner before.
Result<void> PartitionArchive::end_epoch(const ResumePoint& resume, const ClaimTerms& terms) {
  slot_ = resume.end;
  previous_sha_ = resume.previous_sha;
  std::optional<Timestamp> since = resume.reached;
  if (resume.floor) since = std::max(since.value_or(*resume.floor), *resume.floor);
  LostEntry lost{resume.epoch, *resume.next,
                 *resume.next, "another hub took the place of the one that held them",
                 since,        std::max(terms.epoch_began, since.value_or(terms.epoch_began)),
                 {},           true};
  CV_ASSIGN(lost.salvage, salvage(lost.epoch, lost.first, lost.end()));
  return write_slot(std::move(lost));
}

Result<void> PartitionArchive::record_loss() {
  Hub& hub = context_.parts.hub;
  CV_ASSIGN(PartitionBounds bounds, bounds_of(hub, partition_));
  for (int reads = 1;; ++reads) {
    CV_ASSIGN(const PartitionBounds again, bounds_of(hub, partition_));
    if (again.first == bounds.first) break;
    if (reads == kStartReads) {
      return Error(ErrorCode::kBusy, "the hub keeps deleting events while its oldest one is looked for",
                   hub.url(), "run the command again", true);
    }
    bounds = again;
  }
  CV_ASSIGN(const std::optional<EventBatch> refused, hub.read(partition_, next_));
  if (bounds.first <= next_ || refused) return {};
  CV_ASSIGN(const std::optional<EventBatch> oldest, hub.read(partition_, bounds.first));
  CV_ASSIGN(const HubClock clock, hub.clock());
  const bool known = oldest && !oldest->events.empty();
  // What is left may be older than what is gone, where broker times went back.
  Timestamp until = known ? oldest->events.front().broker_time : clock.now;
  if (bounds.gone) until = std::max(until, *bounds.gone);
  std::optional<Timestamp> since = reached_;
  if (floor_) since = std::max(since.value_or(*floor_), *floor_);
  LostEntry lost{context_.identity.epoch,
                 next_,
                 bounds.first.previous(),
                 "the hub's retention deleted them",
                 since,
                 std::max(until, since.value_or(until)),
                 {}};
  CV_ASSIGN(lost.salvage, salvage(lost.epoch, lost.first, lost.last));
  CV_TRY(write_slot(lost));
  context_.totals.lost += lost.last.value - lost.first.value + 1;
  committed_next_ = next_ = bounds.first;
  tail_.reset();
  return {};
}

// Leftovers of this life of the hub that hold events of the range: all that is left of them.
Result<std::vector<std::string>> PartitionArchive::salvage(Epoch epoch, Sequence first, Sequence last) {
  const Archiver::Parts& parts = context_.parts;
  std::map<Slot, bool> same_life;
  std::vector<std::string> found;
  CV_TRY(for_each_object(parts.store, parts.layout.archive_prefix(),
                         [&](const ObjectInfo& info) -> Result<void> {
                           const auto name = parts.layout.parse(info.key);
                           if (!name || !name->origin) return {};
                           const SegmentName::Origin& origin = *name->origin;
                           if (origin.partition != partition_ || origin.first > last || origin.last < first)
                             return {};
                           if (!same_life.contains(origin.claim)) {
                             const auto claim = read_entry(chain_, origin.claim);
                             const auto* body = claim ? std::get_if<ClaimEntry>(&claim->entry.body) : nullptr;
                             same_life[origin.claim] = body == nullptr || body->epoch == epoch;
                           }
                           if (same_life[origin.claim]) found.push_back(info.key);
                           return {};
                         }));
  std::sort(found.begin(), found.end());
  return found;
}

Timestamp PartitionArchive::effective_time(Timestamp broker, Timestamp now) const {
  Timestamp time = std::min(broker, now + kMostAhead);
  if (reached_) time = std::max(time, *reached_);
  if (floor_) time = std::max(time, *floor_);
  return time;
}

Result<std::int64_t> PartitionArchive::add(const HubEvent& event, Timestamp now) {
  if (event.sequence < next_) {
    return Error(ErrorCode::kInternal,
                 fmt::format("the hub gave sequence {} where {} was next", event.sequence.value, next_.value),
                 fmt::format("{} partition {}", context_.parts.hub.url(), partition_.value));
  }
  const Archiver::Parts& parts = context_.parts;
  std::optional<OversizeBody> body;
  if (parse_oversize(event.payload)) {
    CV_ASSIGN(body, retry(context_.retry, parts.clock, parts.random, context_.stop,
                          [&] { return bodies_.read(event.payload); }));
  }
  const Timestamp effective = effective_time(event.broker_time, now);
  if (open_.empty()) open_since_ = parts.clock.steady();
  const EventId id = place(event, body, effective, now);
  next_ = event.sequence.next();
  reached_ = effective;
  tail_ = Tail{event.sequence, id, event.broker_time};
  ++open_events_;
  return static_cast<std::int64_t>(body && *body ? (*body)->size() : event.payload.size());
}

EventId PartitionArchive::place(const HubEvent& event, const std::optional<OversizeBody>& body,
                                Timestamp effective, Timestamp now) {
  const RecordIdentity& identity = context_.identity;
  if (body && !*body)
    return open_.add_refused(event, body->error(), effective, now, identity, context_.worker);
  HubEvent whole = event;
  if (body) whole.payload = **body;
  return open_.add(whole, effective, now, context_.builder, identity, context_.worker);
}

void PartitionArchive::skip_to(Sequence next) {
  next_ = std::max(next_, next);
}

Result<void> PartitionArchive::commit() {
  if (open_.empty()) return {};
  CommitEntry commit{
      context_.identity.epoch, committed_next_, next_.previous(), open_events_, *reached_, tail_, {}, {}};
  const std::vector<ClosedSegment> closed = open_.close(context_.worker);
  std::vector<Upload> uploads;
  std::int64_t bytes = 0;
  for (const ClosedSegment& segment : closed) {
    SegmentFacts facts = listed_facts(segment);
    bytes += facts.bytes;
    uploads.push_back({facts.key, &segment.finished});
    (segment.dead_letter ? commit.dead_letters : commit.segments).push_back(std::move(facts));
  }
  CV_TRY(upload_all(context_, uploads));
  std::int64_t dead = 0;
  for (const SegmentFacts& facts : commit.dead_letters) dead += facts.records;
  const auto objects = static_cast<std::int64_t>(commit.segments.size() + commit.dead_letters.size());
  CV_TRY(write_slot(std::move(commit)));
  ArchiveTotals& totals = context_.totals;
  totals.events += open_events_;
  totals.records += open_events_ - dead;
  totals.dead_letters += dead;
  totals.segments += objects;
  totals.bytes += bytes;
  ++totals.commits;
  committed_next_ = next_;
  committed_reached_ = reached_;
  open_events_ = 0;
  open_since_.reset();
  return {};
}

Result<void> PartitionArchive::commit_idle(Timestamp watermark) {
  if (!open_.empty())
    return Error(ErrorCode::kInternal, "an idle commit with events open", chain_.key(slot_));
  if (committed_reached_ && watermark <= *committed_reached_) return {};
  // Numbers without events at the end of the hub count as read.
  CV_TRY(write_slot(CommitEntry{
      context_.identity.epoch, committed_next_, next_.previous(), 0, watermark, std::nullopt, {}, {}}));
  committed_next_ = next_;
  committed_reached_ = reached_ = watermark;
  ++context_.totals.commits;
  return {};
}

Result<void> PartitionArchive::commit_numbers() {
  if (!has_numbers()) return {};
  CV_TRY(write_slot(CommitEntry{context_.identity.epoch,
                                committed_next_,
                                next_.previous(),
                                0,
                                *committed_reached_,
                                std::nullopt,
                                {},
                                {}}));
  committed_next_ = next_;
  ++context_.totals.commits;
  return {};
}

SegmentFacts PartitionArchive::listed_facts(const ClosedSegment& closed) const {
  SegmentFacts facts = closed.finished.facts;
  facts.ns = closed.ns;
  facts.hour = closed.hour;
  facts.partition = partition_;
  const SegmentName::Origin origin{partition_, facts.first, facts.last, claim_slot_};
  facts.key = closed.dead_letter ? context_.parts.layout.dead_letter(closed.hour, origin)
                                 : context_.parts.layout.segment(closed.ns, closed.hour, origin);
  return facts;
}

Result<Error> PartitionArchive::fenced() {
  CV_ASSIGN(const WalkedEntry standing, read_entry(chain_, slot_));
  return Error(ErrorCode::kFenced,
               fmt::format("another archiver ({}) has taken over partition {}", standing.entry.header.owner,
                           partition_.value),
               standing.key, "nothing is lost, the other one goes on");
}

Result<void> PartitionArchive::write_slot(EntryBody body) {
  const Archiver::Parts& parts = context_.parts;
  const EntryHeader header{context_.options.owner, parts.random.nonce(), parts.clock.now(), previous_sha_};
  const std::string bytes = encode_entry({header, std::move(body)});
  // The same bytes each time, so that an attempt whose answer was lost is known again.
  CV_ASSIGN(const Chain::CreateOutcome outcome,
            retry(context_.retry, parts.clock, parts.random, context_.stop,
                  [&] { return chain_.create(slot_, bytes); }));
  if (outcome == Chain::CreateOutcome::kTaken) {
    CV_ASSIGN(Error error, fenced());
    return error;
  }
  previous_sha_ = sha256_hex(bytes);
  slot_ = slot_.next();
  return {};
}

}  // namespace changevault
