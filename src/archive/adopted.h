// The chain of adopted files (docs/formats/adopted.md): what of an archive that another program wrote is
// listed after all.
//
// The problem. Files of other programs have no place in the hub's order: which partition they came from and
// which of its events they lack nobody knows. In a partition's chain they would claim what the hub's events
// own. So they stand in a chain of their own, which says no more than was proven: these files hold these
// records.
//
// Invariants (decision 22).
//  1. A file is listed once at most: whoever writes a slot has read all slots before it, and create-only
//     decides between two writers.
//  2. A listed file was read whole, had exactly these bytes while it was, and stood there unchanged behind
//  it.
//  3. No chain of a partition and no seal speaks of adopted files, and nothing here speaks of the hub: they
//     prove no hour complete, fence nobody and are nobody's position.
//  4. A file under a name of our own is adopted only while no partition has a chain; where one is adopted, no
//     archive begins below this root any more (init_archive). So no archiver ever wants that name.
//  5. Nothing here changes or removes a file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "archive/catalog.h"
#include "archive/found_file.h"
#include "archive/ledger.h"
#include "archive/ledger_problem.h"
#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// No hub has a partition of this number; adopted files are said to be of it where a number has to be said.
inline constexpr PartitionId kAdoptedPartition{INT32_MAX};

struct AdoptedSlot {
  EntryHeader header;
  std::string source_id;         // by which records without an event_id got one
  std::vector<FoundFile> files;  // without etag and time of change, which are the store's
  bool operator==(const AdoptedSlot&) const = default;
};

std::string encode_adopted(const AdoptedSlot& slot);
// kCorrupt (naming `object`) for bytes that are no such slot; kUsage for a newer format.
Result<AdoptedSlot> decode_adopted(std::string_view bytes, const std::string& object);

// Where the chain ends, and the sha256 of its last slot (kNoPrevious: none).
struct AdoptedEnd {
  Slot slot{};
  std::string previous;
};
// Calls `each(slot, key)` for every slot, in order. Here damage is an error: nothing is written behind it.
Result<AdoptedEnd> read_adopted_slots(
    ObjectStore& store, const KeyLayout& layout,
    const std::function<Result<void>(AdoptedSlot slot, Slot number, const std::string& key)>& each);

struct AdoptedFiles {
  std::vector<ListedSegment> segments;
  std::vector<LedgerProblem> problems;  // of any hour: a slot that cannot be read may list anything
  std::int64_t slots = 0;               // that could be read
  std::string identity;  // sha256 of the very first slot, which no other archive has; empty: not readable
};
// What is adopted, in spite of damage. An error is what the store says.
Result<AdoptedFiles> read_adopted(ObjectStore& store, const KeyLayout& layout);

}  // namespace changevault
