// Says of whole hours that they are complete, for ever.
//
// Problem. "Hour 14 has 1,204 records" means nothing while more may come. Effective times never go back
// within a partition, so once every partition's watermark has passed the end of an hour nothing can arrive in
// it any more.
//
// Invariants.
//  1. A seal is written when the watermarks of exactly the partitions of the newest `hub` entry have passed
//  its end.
//  2. Each seal starts where the last one ended; the first at the smallest hour of any segment or dead
//  letter.
//  3. What a seal says is computed from the partitions' chains alone, so whoever writes it writes the same;
//  create-only decides.
//  4. A partition's slots are read from the one that the last seal named, inclusive: it is the first whose
//  watermark reached
//     that seal's end, so it may hold records on both sides of it. A loss that reaches beyond the last seal's
//     end is carried along: its slot may stand before the one to read from.
//  5. Whoever writes into this chain has read all of it: create-only refuses what is built on an older state,
//  so no
//     seal leaves out a partition that a `hub` entry before it added.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "archive/archive_parts.h"
#include "archive/chain.h"
#include "archive/ledger.h"
#include "archive/ledger_walk.h"
#include "base/result.h"

namespace changevault {

// A commit or loss of a partition's chain, as far as a seal needs it.
struct SealInput {
  Slot slot{};
  Timestamp watermark{};
  std::vector<SegmentFacts> segments;      // block index left out
  std::vector<SegmentFacts> dead_letters;  // the same
  std::optional<LostEntry> lost;
};
using SealInputs = std::map<PartitionId, std::vector<SealInput>>;

// A loss that the newest seal names already and that may touch later hours as well.
struct OpenLoss {
  SealedLoss place;
  LostEntry entry;
};

// The next seal that may be written over [from, …): as many whole hours as every partition's newest watermark
// has passed and `most_cells` allows, at least one; nullopt when there is none yet. `from` nullopt: no seal
// exists. Pure. With a partition that has no watermark there is no seal.
std::optional<SealEntry> next_seal(const SealInputs& inputs, std::optional<Hour> from,
                                   const std::vector<OpenLoss>& open_losses = {},
                                   std::size_t most_cells = 4096);

// Not thread-safe. `context` outlives it.
class Sealer {
 public:
  explicit Sealer(ArchiveContext& context);

  // Reads the end of the chain of seals: the newest seal, and the newest `hub` entry by the slot that it
  // names (all slots where a seal of an older program does not name it). kUsage where `init` was never run.
  Result<void> open();
  // Reads what others have written to it since.
  Result<void> refresh();
  const HubEntry& hub() const { return hub_; }  // the newest
  // The archive, as a group of the hub knows it.
  const GroupOwner& owner() const { return owner_; }
  // When the newest epoch had begun, at the latest.
  Timestamp epoch_began() const { return epoch_began_; }
  // Added to the hub that the archive began with, since.
  bool joined_later(PartitionId partition) const {
    return hub_.epoch == Epoch(0) && partition.value >= first_partitions_;
  }
  // Makes `hub` the newest entry of its kind; true where it is now. False: another entry came first, and was
  // read.
  Result<bool> write_hub(const HubEntry& hub);
  // End of the seals, if there are any.
  std::optional<Hour> sealed_to() const { return sealed_to_; }
  // What the newest seal promises: the partition's chain ends here or later.
  Slot promised_end(PartitionId partition) const;

  // Reads what is new in the partitions' chains and writes every seal that is due: none while a chain is
  // damaged in what a seal would be made from.
  Result<void> seal();
  // The damage that kept the last seal() from sealing, by partition.
  const std::map<PartitionId, Error>& damage() const { return damage_; }

 private:
  Result<void> read_slot(Slot slot);
  Result<void> take(const WalkedEntry& walked);
  Result<void> read_end(Slot end);
  Result<void> read_open_losses();
  Result<void> follow_partition(PartitionId partition);
  Result<void> read_on(PartitionId partition);
  Result<bool> write(EntryBody body);
  void forget_sealed();

  ArchiveContext& context_;
  Chain chain_;
  Slot end_{};
  std::string previous_sha_;
  GroupOwner owner_;
  HubEntry hub_;
  std::int32_t first_partitions_ = 0;  // of the first `hub` entry
  Slot hub_slot_{};                    // where it stands
  Timestamp epoch_began_{};
  std::optional<Hour> sealed_to_;
  std::map<PartitionId, Slot> through_;                   // of the newest seal
  std::optional<std::vector<SealedLoss>> sealed_losses_;  // of the newest seal, until they are read
  std::vector<OpenLoss> open_losses_;

  struct Follow {
    Slot next{};           // to be read
    std::string previous;  // sha256 of the slot before; empty: not read
  };
  SealInputs inputs_;  // read so far, not yet behind us
  std::map<PartitionId, Follow> follow_;
  std::map<PartitionId, Error> damage_;
};

}  // namespace changevault
