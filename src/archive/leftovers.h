// Objects that were uploaded and never listed, and which of them may be deleted.
//
// The problem: an archiver uploads first and lists later, so an object that nothing lists may be one that is
// about to be listed. Deleting that loses events.
//
// Why the rule holds. A commit is written under a claim, and lists only objects whose names carry that claim.
// Slots are dense and never change. So once a claim stands in slot C, every slot before it is taken for ever,
// and nobody can list an object of an older claim any more: what the slots before C say of it is final. A
// decision made from them needs no lock and never gets old.
//
// Stricter than that by one clause: what no slot covers is kept. Its events are not archived, and should the
// hub lose them the object is all that is left; so no loss that is written later can miss an object.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "archive/ledger.h"
#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

struct SequenceRange {
  Epoch epoch{};
  Sequence first{};
  Sequence last{};
  bool operator==(const SequenceRange&) const = default;
};

// What a partition's chain says about its objects.
struct ChainFacts {
  std::map<Slot, Epoch> claims;
  std::set<std::string> listed;
  std::vector<SequenceRange> committed;  // ordered, as far as they follow each other one range
  std::vector<SequenceRange> lost;
  std::set<std::string> salvage;
};

// Takes over the entry of the next slot.
void add_entry(ChainFacts& facts, Slot slot, const EntryBody& body);
// The whole chain, every slot proven. An empty one is a value; kCorrupt where it is damaged.
Result<ChainFacts> read_chain_facts(ObjectStore& store, const KeyLayout& layout, PartitionId partition);

enum class LeftoverFate {
  kRemovable,    // nobody can list it, and its events are archived elsewhere
  kListed,       // it is no leftover
  kForeign,      // not a name of ours: never touched
  kUnknown,      // the ledger has no claim that it was written under
  kOwned,        // the newest claim's: its owner may list it yet
  kSalvage,      // a loss names it
  kLost,         // it overlaps a range that the hub no longer had
  kNotArchived,  // it holds events that no slot covers
};
// What is to be said of it, in words.
const char* describe(LeftoverFate fate);

// The rule. `chain`: of the partition in the object's name; nullptr where there is none.
LeftoverFate fate_of(const std::string& key, const KeyLayout& layout, const ChainFacts* chain);

struct Leftover {
  std::string key;
  std::int64_t bytes = 0;
  LeftoverFate fate = LeftoverFate::kUnknown;
  bool operator==(const Leftover&) const = default;
};

// Every object below the root that no slot lists; the ledger itself and bodies of oversize events are none.
Result<std::vector<Leftover>> find_leftovers(ObjectStore& store, const KeyLayout& layout);
// Deletes those of `keys` whose fate, asked again of the ledger as it stands now, allows it. Returns what was
// deleted, and what was kept why.
Result<std::vector<Leftover>> remove_leftovers(ObjectStore& store, const KeyLayout& layout,
                                               const std::vector<std::string>& keys);

}  // namespace changevault
