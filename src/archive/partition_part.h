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
};

// Calls `each` for every entry of the range that can be read and follows from the one before it; returns the
// others. An error is what the store says, and what `each` says.
Result<std::vector<DamagedSlot>> read_part(ObjectStore& store, const KeyLayout& layout, PartitionId partition,
                                           SlotRange range,
                                           const std::function<Result<void>(const WalkedEntry&)>& each);

}  // namespace changevault
