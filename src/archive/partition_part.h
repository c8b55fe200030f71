// A part of a partition's chain, read from its middle and in spite of damage.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "archive/chain_reader.h"
#include "archive/ledger.h"
#include "base/result.h"
#include "store/key_layout.h"

namespace changevault {

// A slot that could not be read, or breaks the ledger's rules.
struct DamagedSlot {
  Slot slot{};
  Error error;
  std::optional<Timestamp> after;   // the partition's watermark before it; nullopt: not known
  std::optional<Timestamp> before;  // and behind it
  // Where the slots around it (or around a run of damaged ones) end and go on, in one life of the hub.
  std::optional<Sequence> first;
  std::optional<Sequence> next;
  // The slots around it follow each other: it listed nothing.
  bool lists_nothing() const { return first && next && *first == *next; }
  bool may_list(Sequence sequence) const {
    return (!first || *first <= sequence) && (!next || sequence < *next);
  }
};

// Which of the damaged slots listed a file with this first sequence number, written under this claim; the
// first that may have where several do, nullopt where none may.
std::optional<Slot> slot_that_listed(const std::vector<DamagedSlot>& damaged, Sequence first, Slot claim);

// Calls `each` for every entry of the range that can be read and follows from the one before it; returns the
// others. An error is what the store says, and what `each` says.
Result<std::vector<DamagedSlot>> read_part(ObjectStore& store, const KeyLayout& layout, PartitionId partition,
                                           SlotRange range,
                                           const std::function<Result<void>(const WalkedEntry&)>& each);

}  // namespace changevault
