// One partition of the hub on its way into the archive.
//
// Problem. Several processes may believe that they own the partition, any of them may die between any two
// instructions, and answers get lost; still every event must come to stand in exactly one listed segment.
//
// Invariants.
//  1. The chain alone says what is archived. In memory there is nothing that reading the chain and the hub
//  again would not
//     give: a new owner starts from the chain's last slot.
//  2. Nothing is uploaded before the claim, and every object's name carries the claim's slot: names of two
//  owners differ.
//  3. Objects first, then the slot that lists them, then (for lag tools only) the group's position in the
//  hub.
//  4. A commit begins where the one before ended. A slot that another has written where ours should stand
//  ends our ownership
//     at once: what we uploaded since stays an unlisted leftover.
//  5. What the hub deleted before we read it is said in a slot of its own, with the operator's word, never
//  passed over.
//  6. The effective time of an event depends on the slot before and the events since, so a new owner places
//  it alike.
//
// Lifetime. claim(), then add() and commit() in turns; after any error the object is used no more.
#pragma once

#include <optional>
#include <string>

#include "archive/archive_parts.h"
#include "archive/chain.h"
#include "archive/ledger.h"
#include "archive/open_batch.h"
#include "archive/oversize_reader.h"
#include "archive/resume_point.h"
#include "base/result.h"
#include "hub/hub.h"

namespace changevault {

// A broker stamp further ahead of our clock than this is not believed: one wrong clock must not carry a
// partition into the future.
constexpr Duration kMostAhead = minutes(10);

// Not thread-safe. `context` outlives it.
class PartitionArchive {
 public:
  PartitionArchive(PartitionId partition, ArchiveContext& context);

  struct ClaimTerms {
    std::optional<Timestamp>
        floor;                  // the end of the seals: a partition that joins now places nothing below it
    Slot promised_end{};        // what the seals say the chain reaches at least
    bool joined_later = false;  // added to the hub that is archived: its first event is 0, or it was lost
    Timestamp epoch_began{};    // what the epochs before lost, they lost before this
  };
  // Reads the chain's end, makes sure that the hub still is the one that was archived, and writes the claim,
  // with options.accept_loss followed by what the hub has lost. The first claim of an epoch comes behind the
  // end of the one before: a loss of unknown size. False: others claim it at the same time and
  // were quicker each time. Errors: kCorrupt where the chain ends before what was promised, kValidation where
  // the hub was replaced or has deleted what is not archived, kFenced where the archive has moved on to
  // another life of the hub.
  Result<bool> claim(const ClaimTerms& terms);
  // With nothing open: lists everything from next() to the hub's first event as lost, where the hub really
  // has no more of it (two agreeing reads of its start, and a refused fetch).
  Result<void> record_loss();

  // Takes one event, at or behind next(), and returns its length: that of the whole one where the message is
  // a pointer, whose body is read, again by the context's policy where the store fails. Bounded work; nothing
  // durable happens.
  Result<std::int64_t> add(const HubEvent& event, Timestamp now);
  // The hub's position may stand behind the last event (numbers that carry none).
  void skip_to(Sequence next);

  // Uploads everything open and lists it in one slot. Nothing is written where nothing is open.
  Result<void> commit();
  // Moves the watermark of a partition with nothing open to `watermark`, in a slot of its own; never back.
  Result<void> commit_idle(Timestamp watermark);
  // Numbers without events that stand behind the last commit count as read, before this owner leaves: the
  // hub's retention would otherwise seem to have taken events with them. Nothing where there are none.
  Result<void> commit_numbers();
  bool has_numbers() const { return open_.empty() && next_ != committed_next_ && committed_reached_; }

  PartitionId partition() const { return partition_; }
  Chain& chain() { return chain_; }
  Sequence next() const { return next_; }  // the first event that was not added yet
  Sequence committed_next() const { return committed_next_; }
  std::optional<Timestamp> watermark() const { return committed_reached_; }
  const OpenBatch& open() const { return open_; }
  // Steady time at which the oldest open event was added.
  std::optional<Duration> open_since() const { return open_since_; }

 private:
  Result<Sequence> start_of(const ResumePoint& resume, const ClaimTerms& terms, bool& overtaken);
  Result<void> check_never_archived();
  Result<void> end_epoch(const ResumePoint& resume, const ClaimTerms& terms);
  Result<std::vector<std::string>> salvage(Epoch epoch, Sequence first, Sequence last);
  Result<Error> fenced();
  Timestamp effective_time(Timestamp broker, Timestamp now) const;
  EventId place(const HubEvent& event, const std::optional<OversizeBody>& body, Timestamp effective,
                Timestamp now);
  SegmentFacts listed_facts(const ClosedSegment& closed) const;
  Result<void> write_slot(EntryBody body);

  PartitionId partition_;
  ArchiveContext& context_;
  Chain chain_;
  OversizeReader bodies_;
  Slot slot_{};  // where our next entry goes
  Slot claim_slot_{};
  std::string previous_sha_;
  std::optional<Timestamp> floor_;
  Sequence committed_next_{};
  std::optional<Timestamp> committed_reached_;

  // Behind the last commit.
  OpenBatch open_;
  Sequence next_{};
  std::optional<Timestamp> reached_;
  std::optional<Tail> tail_;
  std::int64_t open_events_ = 0;
  std::optional<Duration> open_since_;
};

}  // namespace changevault
