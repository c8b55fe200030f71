// Reads chains entry by entry and holds them to the ledger's rules.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "archive/chain.h"
#include "archive/ledger.h"
#include "base/result.h"

namespace changevault {

struct WalkedEntry {
  Slot slot{};
  std::string key;
  std::string sha256;  // of the slot's bytes
  Entry entry;
};

// Reads and decodes one slot (self-checksum, format).
Result<WalkedEntry> read_entry(Chain& chain, Slot slot);

// Reads a chain backwards from `end` (exclusive). What comes out follows from the slot before it: one that is
// right by itself may still be another one's bytes, and whoever goes on behind it would go on at a wrong
// place. A slot before that is damaged itself proves nothing; it is the next one's error.
class BackwardWalk {
 public:
  BackwardWalk(Chain& chain, Slot end) : chain_(chain), slot_(end.previous()) {}
  // The next older entry; nullopt at the chain's begin.
  Result<std::optional<WalkedEntry>> next();

 private:
  Chain& chain_;
  Slot slot_;                                 // of the next entry
  std::optional<Result<WalkedEntry>> ahead_;  // that entry, where it was read already
};

// Slots 0..end-1: every one is decoded and must name the sha256 of the one before. kCorrupt names the slot
// that does not.
Result<void> walk_chain(Chain& chain, Slot end, const std::function<Result<void>(const WalkedEntry&)>& each);

// What the entries of a partition's chain amount to, and the rules between them: a claim first, sequence
// numbers without a hole or overlap within an epoch, time never back, segments of this partition and inside
// their commit's range.
class PartitionFold {
 public:
  explicit PartitionFold(PartitionId partition) : partition_(partition) {}

  // kCorrupt where the entry breaks a rule; nothing is taken over then.
  Result<void> add(const WalkedEntry& walked);

  Epoch epoch() const { return epoch_; }
  Sequence next() const { return next_; }  // the first event that is not archived yet
  std::optional<Timestamp> reached() const { return reached_; }
  std::optional<Timestamp> floor() const { return floor_; }
  const std::optional<Tail>& tail() const { return tail_; }
  bool claimed() const { return claimed_; }
  bool committed() const { return committed_; }
  std::int64_t events() const { return events_; }

 private:
  Result<void> add_claim(const ClaimEntry& claim, const std::string& key);
  Result<void> add_commit(const CommitEntry& commit, const std::string& key);
  Result<void> add_lost(const LostEntry& lost, const std::string& key);

  PartitionId partition_;
  bool claimed_ = false;
  bool committed_ = false;
  Epoch epoch_{};
  Sequence next_{};
  std::optional<Timestamp> reached_;
  std::optional<Timestamp> floor_;
  std::optional<Tail> tail_;
  bool closed_ = false;  // by an unbounded loss: only a claim of a later epoch goes on
  std::int64_t events_ = 0;
};

}  // namespace changevault
