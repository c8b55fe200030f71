// Slots of a chain, read and decoded ahead on threads, given in order.
#pragma once

#include <cstdint>
#include <functional>

#include "archive/ledger_walk.h"
#include "base/result.h"
#include "store/object_store.h"

namespace changevault {

// What stands in a slot, or why it could not be read: kCorrupt and kNotFound are about this slot alone.
using SlotOutcome = Result<WalkedEntry>;

struct SlotRange {
  Slot from{};
  Slot end{};  // exclusive
};

// Told how many slots were read so far, on the reader's thread; an error of it ends the reading.
using OnSlots = std::function<Result<void>(std::int64_t)>;

// Calls `each(slot, outcome)` for every slot of the range, in order, on the caller's thread. An outcome says
// nothing about the slots around it: whether `previous` fits is the caller's to check. The first error of
// `each` ends the reading and is returned.
Result<void> read_slots(ObjectStore& store, const std::string& folder, SlotRange range,
                        const std::function<Result<void>(Slot, SlotOutcome)>& each);

// The same for a chain that has to be whole: the first slot that cannot be read, or that does not name the
// bytes of the one before it, is the error. `previous` is the sha256 of the slot before the range, and of the
// last one read afterwards.
Result<void> walk_slots(ObjectStore& store, const std::string& folder, SlotRange range, std::string& previous,
                        const std::function<Result<void>(const WalkedEntry&)>& each);

}  // namespace changevault
