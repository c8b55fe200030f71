#include "archive/resume_point.h"

#include <utility>

#include <fmt/core.h>

#include "archive/ledger_problem.h"
#include "archive/ledger_walk.h"
#include "hub/hub_checks.h"

namespace changevault {
namespace {

enum class Wanted {
  kAll,
  kPosition,  // neither time nor floor, which may stand far back
  kNext,      // nor the tail, if that stands far back, too
};

// Reads a chain backwards, newest slot first, until nothing older can say more.
class BackwardReader {
 public:
  BackwardReader(ResumePoint& resume, Wanted wanted)
      : resume_(resume),
        claimed_(wanted != Wanted::kAll),
        most_(wanted == Wanted::kNext ? kNewestSlots : 0) {}

  // True when enough was read.
  bool add(const EntryBody& body) {
    if (const auto* claim = std::get_if<ClaimEntry>(&body)) {
      if (is_older_life(claim->epoch, claim->next)) return true;
      set_reached(claim->reached);
      if (!claimed_) resume_.floor = claim->floor;
      claimed_ = true;
    } else if (const auto* commit = std::get_if<CommitEntry>(&body)) {
      if (is_older_life(commit->epoch, commit->last.next())) return true;
      set_reached(commit->reached);
      if (!resume_.tail) resume_.tail = commit->tail;
    } else if (const auto* lost = std::get_if<LostEntry>(&body)) {
      if (!resume_.next) resume_.closed = lost->unbounded;
      if (is_older_life(lost->epoch, lost->last.next())) return true;
      no_tail_ = true;
    }
    return ++read_ == most_ || (claimed_ && (no_tail_ || resume_.tail));
  }

 private:
  // The newest entry says where to go on, and in which epoch.
  bool is_older_life(Epoch epoch, Sequence next) {
    if (!resume_.next) {
      resume_.next = next;
      resume_.epoch = epoch;
    }
    return epoch < resume_.epoch;
  }
  void set_reached(std::optional<Timestamp> reached) {
    if (!reached_known_) resume_.reached = reached;
    reached_known_ = true;
  }

  ResumePoint& resume_;
  bool reached_known_ = false;
  bool claimed_;
  bool no_tail_ = false;
  int most_;  // slots; 0: as many as it takes
  int read_ = 0;
};

enum class TailFit {
  kSame,
  kUnknown,  // nothing speaks against it
  kOther,
};

// A pointer was a dead letter where its body was not there at that time, whatever is there now.
Result<TailFit> fit_of(const ComparedHub& compared, const HubEvent& event, const Tail& tail) {
  if (event.broker_time != tail.broker_time) return TailFit::kOther;
  CV_ASSIGN(const std::optional<OversizeBody> body, compared.bodies.read(event.payload));
  const RecordIdentity& identity = compared.identity;
  const EventId of_position =
      EventId::of_position(identity.hub_identity, identity.epoch, event.partition, event.sequence);
  if (body && tail.event_id == of_position) return TailFit::kSame;
  if (body && !*body) return TailFit::kUnknown;
  HubEvent whole = event;
  if (body) whole.payload = **body;
  const auto parsed = compared.builder.parse(whole);
  return (parsed ? parsed->id : of_position) == tail.event_id ? TailFit::kSame : TailFit::kOther;
}

HubComparison replaced(PartitionBounds bounds, std::string what) {
  return {HubFit::kReplaced, bounds, std::move(what)};
}

Result<ResumePoint> read_back(Chain& chain, Slot promised_end, Wanted wanted) {
  ResumePoint resume;
  CV_ASSIGN(resume.end, chain.find_end(promised_end));
  resume.previous_sha = kNoPrevious;
  BackwardReader reader(resume, wanted);
  BackwardWalk walk(chain, resume.end);
  while (true) {
    const auto read = walk.next();
    if (!read) return is_ledger_damage(read.error()) ? damage_error(read.error()) : read.error();
    if (!*read) return resume;
    const WalkedEntry& walked = **read;
    if (walked.slot == resume.end.previous()) {
      resume.previous_sha = walked.sha256;
      resume.owner = walked.entry.header.owner;
    }
    if (reader.add(walked.entry.body)) return resume;
  }
}

}  // namespace

Result<ResumePoint> read_resume_point(Chain& chain, Slot promised_end) {
  return read_back(chain, promised_end, Wanted::kAll);
}

Result<ResumePoint> read_position(Chain& chain, Slot promised_end) {
  return read_back(chain, promised_end, Wanted::kPosition);
}

Result<ResumePoint> read_next(Chain& chain, Slot promised_end) {
  return read_back(chain, promised_end, Wanted::kNext);
}

Result<PartitionBounds> bounds_of(Hub& hub, PartitionId partition) {
  CV_ASSIGN(const std::vector<PartitionBounds> all, hub.bounds());
  for (const PartitionBounds& bounds : all) {
    if (bounds.partition == partition) return bounds;
  }
  return no_such_partition(partition, static_cast<std::int32_t>(all.size()), hub.url());
}

Result<HubComparison> compare_with_hub(const ComparedHub& compared, PartitionId partition,
                                       const ResumePoint& resume) {
  CV_ASSIGN(const PartitionBounds bounds, bounds_of(compared.hub, partition));
  return compare_with_hub(compared, bounds, resume);
}

Result<HubComparison> compare_with_hub(const ComparedHub& compared, const PartitionBounds& bounds,
                                       const ResumePoint& resume) {
  const PartitionId partition = bounds.partition;
  if (*resume.next > bounds.next) {
    return replaced(bounds,
                    fmt::format("the archive goes up to sequence {} of partition {}, the hub only to {}",
                                resume.next->value - 1, partition.value, bounds.next.value - 1));
  }
  if (*resume.next < bounds.first) {
    return HubComparison{
        HubFit::kOvertaken, bounds,
        fmt::format("the hub no longer has the events {} to {} of partition {}, which are not archived",
                    resume.next->value, bounds.first.value - 1, partition.value)};
  }
  if (!resume.tail) return HubComparison{HubFit::kSame, bounds, {}};
  CV_ASSIGN(const std::optional<EventBatch> read, compared.hub.read(partition, resume.tail->sequence));
  // No longer retained: nothing to compare with.
  if (!read || read->events.empty()) return HubComparison{HubFit::kSame, bounds, {}};
  CV_ASSIGN(const TailFit fit, fit_of(compared, read->events.front(), *resume.tail));
  if (fit != TailFit::kOther) return HubComparison{HubFit::kSame, bounds, {}, fit == TailFit::kSame};
  return replaced(bounds,
                  fmt::format("another event stands at sequence {} of partition {}, the last one archived",
                              resume.tail->sequence.value, partition.value));
}

}  // namespace changevault
