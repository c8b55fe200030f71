// Where a partition's chain says to go on, and whether the hub still is the one it was written from.
#pragma once

#include <optional>
#include <string>

#include "archive/chain.h"
#include "archive/ledger.h"
#include "archive/oversize_reader.h"
#include "base/result.h"
#include "codec/record_builder.h"
#include "hub/hub.h"

namespace changevault {

struct ResumePoint {
  Slot end{};                // the next free slot
  std::string previous_sha;  // of the slot before it
  Epoch epoch{};             // of the newest claim
  std::string owner;         // of the newest slot; empty in a chain without any
  std::optional<Sequence>
      next;  // the first event that is not archived; nullopt: the partition was never claimed
  std::optional<Timestamp> reached;
  std::optional<Timestamp> floor;
  bool closed = false;       // the epoch's end stands in the ledger: only a later one goes on
  std::optional<Tail> tail;  // the last event archived in this epoch; nullopt: none, or a loss came after it
};

// Reads back from the chain's end as far as needed. `promised_end`: what the seals say the chain reaches at
// least; kCorrupt where it ends before.
Result<ResumePoint> read_resume_point(Chain& chain, Slot promised_end);
// The same without `floor` and `reached`: however long ago the partition was claimed, no slot before its last
// event is read.
Result<ResumePoint> read_position(Chain& chain, Slot promised_end);
// The same without `tail` where that does not stand in the newest kNewestSlots: no more are read, however
// long nothing happened.
inline constexpr int kNewestSlots = 32;
Result<ResumePoint> read_next(Chain& chain, Slot promised_end);

enum class HubFit {
  kSame,       // everything that is not archived is still there
  kOvertaken,  // its retention has deleted events that are not archived
  kReplaced,   // it was dropped and made again, or set back
};

struct HubComparison {
  HubFit fit = HubFit::kSame;
  PartitionBounds bounds;
  std::string what;         // of kOvertaken and kReplaced, in words
  bool tail_found = false;  // of kSame: the last event archived was read from it again
};

// The hub, and how its events are known again.
struct ComparedHub {
  Hub& hub;
  const OversizeReader& bodies;  // of its pointers
  RecordBuilder& builder;        // of the ids that tails are compared by
  const RecordIdentity& identity;
};

// `resume` has a position, of the epoch of `compared.identity`. A pointer at the tail is compared by its
// body. One whose body is gone (it is not needed any more) proves nothing: it is the same where it could be,
// by its broker time.
Result<HubComparison> compare_with_hub(const ComparedHub& compared, PartitionId partition,
                                       const ResumePoint& resume);
// The same with the bounds as they were read before, of the partition that they name.
Result<HubComparison> compare_with_hub(const ComparedHub& compared, const PartitionBounds& bounds,
                                       const ResumePoint& resume);

// kUsage where the hub has no such partition.
Result<PartitionBounds> bounds_of(Hub& hub, PartitionId partition);

}  // namespace changevault
