// Damage of the ledger, told as what it costs: readers go on with what the other slots and the seals say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/hour.h"
#include "model/ids.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// Beyond every hour of any event.
inline constexpr Hour kNoBegin{-(std::int64_t{1} << 40)};
inline constexpr Hour kNoEnd{std::int64_t{1} << 40};

struct LedgerProblem {
  Error error;  // its object is the slot
  Hour from;    // hours about which something is missing now
  Hour to;      // exclusive; equal to `from`: none, other slots told it all
  bool touches(Hour hour) const { return from <= hour && hour < to; }
  bool touches(const TimeRange& range) const {
    return from < to && range.overlaps(from.start(), to.start() - milliseconds(1));
  }
};

// Whether something of the scope may be missing. A scope that names one file is not about what else there is.
bool is_uncertain(const std::vector<LedgerProblem>& problems, const Scope& scope);

// About one slot alone, not about the store.
inline bool is_ledger_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
}

// As a person is told it: a slot that is not there is damage too.
Error damage_error(Error error);

// The slot, or the one before it, is right by itself and not the one that the other was written beside:
// kCorrupt.
Error slot_rewritten(const std::string& key);

// The end of a chain, in spite of slots that are gone.
struct ChainEnd {
  Slot end{};
  std::optional<Error> damage;  // not even a listing of the folder reaches what is promised; `end` is that
};
// As Chain::find_end; where slots are gone the folder is listed. Errors: what the store says.
Result<ChainEnd> find_chain_end(ObjectStore& store, const std::string& folder, Slot at_least = Slot(0));

// Partitions that have a chain, ordered.
Result<std::vector<PartitionId>> partition_chains(ObjectStore& store, const KeyLayout& layout);

// All seals are gone, chains of partitions are there.
Error seals_gone(const KeyLayout& layout);

}  // namespace changevault
