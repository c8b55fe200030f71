#include "archive/partition_archive.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "archive/uploads.h"
#include "base/hash.h"

namespace changevault {
namespace {

// Races for a claim that one owner takes part in before it leaves the partition to the others.
constexpr int kClaimAttempts = 8;

Error hub_replaced(const std::string& what, const std::string& object) {
  return Error(ErrorCode::kValidation, "this is not the hub that was archived: " + what, object,
               "the hub was replaced or set back; nothing was written. Point hub.url at the hub that this "
               "archive belongs to, or "
               "begin a new archive in another store.root");
}

}  // namespace

// What the chain says about where to go on.
struct PartitionArchive::Resume {
  Slot end{};
  std::string previous_sha;
  std::optional<Sequence> next;  // nullopt: a partition that was never claimed
  std::optional<Timestamp> reached;
  std::optional<Timestamp> floor;
  std::optional<Tail> tail;
};

PartitionArchive::PartitionArchive(PartitionId partition, ArchiveContext& context)
    : partition_(partition),
      context_(context),
      chain_(context.parts.store, context.parts.layout.partition_chain(partition)),
      open_(context.options.segment) {}

Result<PartitionArchive::Resume> PartitionArchive::read_resume_point(Slot promised_end) {
  Resume resume;
  CV_ASSIGN(resume.end, chain_.find_end(promised_end));
  resume.previous_sha = kNoPrevious;
  // Back from the newest slot: it says where to go on; the newest commit behind it says by which event to
  // know the hub.
  for (Slot slot = resume.end.previous(); slot >= Slot(0); slot = slot.previous()) {
    CV_ASSIGN(const WalkedEntry walked, read_entry(chain_, slot));
    const bool newest = !resume.next;
    if (newest) resume.previous_sha = walked.sha256;
    if (const auto* claim = std::get_if<ClaimEntry>(&walked.entry.body)) {
      if (newest) {
        resume.next = claim->next;
        resume.reached = claim->reached;
      }
      resume.floor = resume.floor ? resume.floor : claim->floor;
    } else if (const auto* commit = std::get_if<CommitEntry>(&walked.entry.body)) {
      if (newest) {
        resume.next = commit->last.next();
        resume.reached = commit->reached;
      }
      if (!commit->tail) continue;
      resume.tail = commit->tail;
      break;
    } else if (std::holds_alternative<LostEntry>(walked.entry.body)) {
      return Error(ErrorCode::kUsage, "the ledger holds an entry of a newer program version", walked.key,
                   "use that version to go on with this archive");
    }
  }
  return resume;
}

Result<void> PartitionArchive::claim(std::optional<Timestamp> floor, Slot promised_end) {
  for (int attempt = 1;; ++attempt) {
    CV_ASSIGN(Resume resume, read_resume_point(promised_end));
    if (!resume.next) resume.floor = floor;
    CV_TRY(check_hub(resume));
    slot_ = claim_slot_ = resume.end;
    previous_sha_ = resume.previous_sha;
    floor_ = resume.floor;
    committed_reached_ = reached_ = resume.reached;
    tail_ = resume.tail;
    if (!resume.next) {
      CV_ASSIGN(const std::vector<PartitionBounds> bounds, context_.parts.hub.bounds());
      resume.next = bounds.at(static_cast<std::size_t>(partition_.value)).first;
    }
    committed_next_ = next_ = *resume.next;
    const auto written = write_slot(ClaimEntry{context_.identity.epoch, next_, reached_, floor_});
    // Another claim was quicker: what we read is old, so read again from the end.
    const bool lost_race = !written && written.error().code == ErrorCode::kFenced;
    if (!lost_race || attempt == kClaimAttempts) return written;
  }
}

Result<void> PartitionArchive::check_hub(const Resume& resume) {
  if (!resume.next) return {};
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, context_.parts.hub.bounds());
  const auto index = static_cast<std::size_t>(partition_.value);
  const std::string object = fmt::format("{} partition {}", context_.parts.hub.url(), partition_.value);
  if (index >= bounds.size()) return hub_replaced("it has fewer partitions", object);
  if (*resume.next > bounds[index].next) {
    return hub_replaced(fmt::format("the archive goes up to sequence {}, the hub only to {}",
                                    resume.next->value - 1, bounds[index].next.value - 1),
                        object);
  }
  if (*resume.next < bounds[index].first) {
    return Error(ErrorCode::kValidation,
                 fmt::format("the hub no longer has the events {} to {}, which are not archived",
                             resume.next->value, bounds[index].first.value - 1),
                 object, "its retention has overtaken the archive; nothing was written");
  }
  return resume.tail ? check_tail(*resume.tail) : Result<void>();
}

Result<void> PartitionArchive::check_tail(const Tail& tail) {
  CV_ASSIGN(const std::optional<EventBatch> read, context_.parts.hub.read(partition_, tail.sequence));
  if (!read || read->events.empty()) return {};  // no longer retained: nothing to compare with
  const HubEvent& event = read->events.front();
  const auto parsed = context_.builder.parse(event);
  const EventId id = parsed ? parsed->id
                            : EventId::of_position(context_.identity.hub_identity, context_.identity.epoch,
                                                   partition_, event.sequence);
  if (id == tail.event_id && event.broker_time == tail.broker_time) return {};
  return hub_replaced(
      fmt::format("another event stands at sequence {}, the last one archived", tail.sequence.value),
      fmt::format("{} partition {}", context_.parts.hub.url(), partition_.value));
}

Timestamp PartitionArchive::effective_time(Timestamp broker, Timestamp now) const {
  Timestamp time = std::min(broker, now + kMostAhead);
  if (reached_) time = std::max(time, *reached_);
  if (floor_) time = std::max(time, *floor_);
  return time;
}

Result<void> PartitionArchive::add(const HubEvent& event, Timestamp now) {
  if (event.sequence < next_) {
    return Error(ErrorCode::kInternal,
                 fmt::format("the hub gave sequence {} where {} was next", event.sequence.value, next_.value),
                 fmt::format("{} partition {}", context_.parts.hub.url(), partition_.value));
  }
  const Timestamp effective = effective_time(event.broker_time, now);
  if (open_.empty()) open_since_ = context_.parts.clock.steady();
  const EventId id =
      open_.add(event, effective, now, context_.builder, context_.identity, context_.compressor);
  next_ = event.sequence.next();
  reached_ = effective;
  tail_ = Tail{event.sequence, id, event.broker_time};
  ++open_events_;
  return {};
}

void PartitionArchive::skip_to(Sequence next) {
  next_ = std::max(next_, next);
}

Result<void> PartitionArchive::commit() {
  if (open_.empty()) return {};
  CommitEntry commit{
      context_.identity.epoch, committed_next_, next_.previous(), open_events_, *reached_, tail_, {}, {}};
  const std::vector<ClosedSegment> closed = open_.close(context_.compressor);
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

Result<void> PartitionArchive::write_slot(EntryBody body) {
  const Archiver::Parts& parts = context_.parts;
  const EntryHeader header{context_.options.owner, parts.random.nonce(), parts.clock.now(), previous_sha_};
  const std::string bytes = encode_entry({header, std::move(body)});
  // The same bytes each time, so that an attempt whose answer was lost is known again.
  CV_ASSIGN(const Chain::CreateOutcome outcome,
            retry(context_.retry, parts.clock, parts.random, context_.stop,
                  [&] { return chain_.create(slot_, bytes); }));
  if (outcome == Chain::CreateOutcome::kTaken) {
    return Error(
        ErrorCode::kFenced, fmt::format("another archiver has taken over partition {}", partition_.value),
        chain_.key(slot_),
        "run one 'changevault archive' for each group and store; nothing is lost, the other one goes on");
  }
  previous_sha_ = sha256_hex(bytes);
  slot_ = slot_.next();
  return {};
}

}  // namespace changevault
