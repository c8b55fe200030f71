// Follows the partitions' chains and remembers, of every slot that lists segments, just enough to tell
// whether they are all loaded: the ledger is read once, and afterwards only what is new.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "archive/ledger_walk.h"
#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

// A commit that lists segments. Ordered as it is loaded: oldest hour first, within a partition by position.
struct ListedSlot {
  Hour first_hour;
  PartitionId partition{};
  Slot slot{};
  std::int64_t segments = 0;
  std::uint64_t digest = 0;  // as LoadedSlot's
  auto operator<=>(const ListedSlot&) const = default;
};

// A segment of such a commit.
struct ListedRef {
  SegmentRef ref;
  Hour hour;
  Sequence first{};
  std::int64_t text_bytes = 0;
};

// Not thread-safe; `store` and `layout` outlive it.
class LedgerCursor {
 public:
  LedgerCursor(ObjectStore& store, const KeyLayout& layout) : store_(store), layout_(layout) {}

  // Takes in what was written since the last call (at first: everything). After an error it goes on where it
  // stopped. kNotFound where there is no archive. A damaged slot is left out and stands in `damage`; what the
  // seals say that it listed is taken in.
  Result<void> follow();
  // Reads the damaged slots again: somebody may have put them back.
  Result<void> look_at_damage();

  // A slot that cannot be read.
  struct Damage {
    Error error;
    bool told = false;  // the seals tell all that it listed, or the slots around it that it listed nothing
  };
  const std::map<std::pair<PartitionId, Slot>, Damage>& damage() const { return damage_; }

  // In the order in which they were found; grows only.
  const std::vector<ListedSlot>& slots() const { return slots_; }

  Result<std::vector<ListedRef>> segments_of(const ListedSlot& slot);

 private:
  Result<void> find_partitions();
  Result<void> follow(PartitionId id, Slot& next);
  Result<void> ask_seals();

  ObjectStore& store_;
  const KeyLayout& layout_;
  std::map<PartitionId, Slot> partitions_;  // the next slot to read of each
  std::vector<ListedSlot> slots_;
  std::map<std::pair<PartitionId, Slot>, Damage> damage_;
  std::map<ListedSlot, std::vector<ListedRef>> by_seals_;  // what they say of damaged slots
};

}  // namespace changevault
