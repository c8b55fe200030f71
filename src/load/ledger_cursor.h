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
  // stopped. kNotFound where there is no archive; kCorrupt where the ledger is damaged.
  Result<void> follow();

  // In the order in which they were found; grows only.
  const std::vector<ListedSlot>& slots() const { return slots_; }

  Result<std::vector<ListedRef>> segments_of(const ListedSlot& slot);

 private:
  struct Partition {
    explicit Partition(PartitionId partition) : fold(partition) {}
    Slot next{};
    std::string previous = kNoPrevious;  // sha256 of the slot before `next`
    PartitionFold fold;
  };

  Result<void> find_partitions();
  Result<void> follow(PartitionId id, Partition& partition);

  ObjectStore& store_;
  const KeyLayout& layout_;
  std::map<PartitionId, Partition> partitions_;
  std::vector<ListedSlot> slots_;
};

}  // namespace changevault
