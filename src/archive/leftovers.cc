#include "archive/leftovers.h"

#include <algorithm>
#include <utility>

#include "archive/adopted.h"
#include "archive/chain.h"
#include "archive/ledger_walk.h"

namespace changevault {
namespace {

bool overlaps(const SequenceRange& range, Epoch epoch, Sequence first, Sequence last) {
  return range.epoch == epoch && range.first <= last && first <= range.last;
}

bool contains(const SequenceRange& range, Epoch epoch, Sequence first, Sequence last) {
  return range.epoch == epoch && range.first <= first && last <= range.last;
}

// The chains of the partitions that objects name, each read once.
class Chains {
 public:
  Chains(ObjectStore& store, const KeyLayout& layout) : store_(store), layout_(layout) {}

  Result<LeftoverFate> fate_of(const std::string& key) {
    const auto name = layout_.parse(key);
    if (!name || !name->origin) return LeftoverFate::kForeign;
    if (!adopted_) {
      CV_ASSIGN(adopted_, read_adopted(store_, layout_));
      for (const ListedSegment& file : adopted_->segments) adopted_keys_.insert(file.facts.key);
    }
    if (adopted_keys_.contains(key)) return LeftoverFate::kListed;
    if (!adopted_->problems.empty()) return LeftoverFate::kUnknown;
    const PartitionId partition = name->origin->partition;
    auto found = chains_.find(partition);
    if (found == chains_.end()) {
      CV_ASSIGN(ChainFacts facts, read_chain_facts(store_, layout_, partition));
      found = chains_.emplace(partition, std::move(facts)).first;
    }
    return changevault::fate_of(key, layout_, &found->second);
  }

 private:
  ObjectStore& store_;
  const KeyLayout& layout_;
  std::map<PartitionId, ChainFacts> chains_;
  std::optional<AdoptedFiles> adopted_;
  std::set<std::string> adopted_keys_;
};

}  // namespace

void add_entry(ChainFacts& facts, Slot slot, const EntryBody& body) {
  if (const auto* claim = std::get_if<ClaimEntry>(&body)) {
    facts.claims[slot] = claim->epoch;
  } else if (const auto* commit = std::get_if<CommitEntry>(&body)) {
    for (const auto* list : {&commit->segments, &commit->dead_letters}) {
      for (const SegmentFacts& object : *list) facts.listed.insert(object.key);
    }
    if (commit->idle()) return;
    SequenceRange* last = facts.committed.empty() ? nullptr : &facts.committed.back();
    if (last != nullptr && last->epoch == commit->epoch && last->last.next() == commit->first) {
      last->last = commit->last;
    } else {
      facts.committed.push_back({commit->epoch, commit->first, commit->last});
    }
  } else if (const auto* lost = std::get_if<LostEntry>(&body)) {
    facts.lost.push_back({lost->epoch, lost->first, lost->end()});
    facts.salvage.insert(lost->salvage.begin(), lost->salvage.end());
  }
}

Result<ChainFacts> read_chain_facts(ObjectStore& store, const KeyLayout& layout, PartitionId partition) {
  Chain chain(store, layout.partition_chain(partition));
  CV_ASSIGN(const Slot end, chain.find_end());
  ChainFacts facts;
  CV_TRY(walk_chain(chain, end, [&](const WalkedEntry& walked) -> Result<void> {
    add_entry(facts, walked.slot, walked.entry.body);
    return {};
  }));
  return facts;
}

const char* describe(LeftoverFate fate) {
  switch (fate) {
    case LeftoverFate::kRemovable:
      return "nothing refers to it, and its events are archived elsewhere";
    case LeftoverFate::kListed:
      return "the ledger lists it";
    case LeftoverFate::kForeign:
      return "its name is not one of this program's";
    case LeftoverFate::kUnknown:
      return "the ledger has no claim that it was written under";
    case LeftoverFate::kOwned:
      return "its archiver may list it yet";
    case LeftoverFate::kSalvage:
      return "it is named as salvage of a loss";
    case LeftoverFate::kLost:
      return "it overlaps a range that the hub lost";
    case LeftoverFate::kNotArchived:
      return "it holds events that are not archived yet";
  }
  return "";
}

LeftoverFate fate_of(const std::string& key, const KeyLayout& layout, const ChainFacts* chain) {
  const auto name = layout.parse(key);
  if (!name || !name->origin) return LeftoverFate::kForeign;
  if (chain == nullptr) return LeftoverFate::kUnknown;
  if (chain->listed.contains(key)) return LeftoverFate::kListed;
  const auto [partition, first, last, slot] = *name->origin;
  const auto claim = chain->claims.find(slot);
  if (claim == chain->claims.end()) return LeftoverFate::kUnknown;
  if (claim == std::prev(chain->claims.end())) return LeftoverFate::kOwned;
  if (chain->salvage.contains(key)) return LeftoverFate::kSalvage;
  const Epoch epoch = claim->second;
  const auto is_lost = [&](const SequenceRange& range) { return overlaps(range, epoch, first, last); };
  if (std::any_of(chain->lost.begin(), chain->lost.end(), is_lost)) return LeftoverFate::kLost;
  const auto covers = [&](const SequenceRange& range) { return contains(range, epoch, first, last); };
  return std::any_of(chain->committed.begin(), chain->committed.end(), covers) ? LeftoverFate::kRemovable
                                                                               : LeftoverFate::kNotArchived;
}

Result<std::vector<Leftover>> find_leftovers(ObjectStore& store, const KeyLayout& layout) {
  Chains chains(store, layout);
  std::vector<Leftover> out;
  const std::string ledger = layout.ledger_prefix();
  CV_TRY(for_each_object(store, layout.archive_prefix(), [&](const ObjectInfo& info) -> Result<void> {
    if (info.key.starts_with(ledger) || layout.parse_oversize(info.key)) return {};
    CV_ASSIGN(const LeftoverFate fate, chains.fate_of(info.key));
    if (fate != LeftoverFate::kListed) out.push_back({info.key, info.bytes, fate});
    return {};
  }));
  return out;
}

Result<std::vector<Leftover>> remove_leftovers(ObjectStore& store, const KeyLayout& layout,
                                               const std::vector<std::string>& keys) {
  Chains chains(store, layout);
  std::vector<Leftover> out;
  for (const std::string& key : keys) {
    CV_ASSIGN(const LeftoverFate fate, chains.fate_of(key));
    if (fate == LeftoverFate::kRemovable) CV_TRY(store.remove(key));
    out.push_back({key, 0, fate});
  }
  return out;
}

}  // namespace changevault
