#include "archive/verify_ledger.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "archive/seal_content.h"

namespace changevault {
namespace {

bool is_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
}

class LedgerChecker {
 public:
  LedgerChecker(ObjectStore& store, const KeyLayout& layout) : store_(store), layout_(layout) {}

  Result<LedgerCheck> run() {
    CV_TRY(check_seals_chain());
    if (!check_.exists) return std::move(check_);
    for (std::int32_t p = 0; p < check_.hub.partitions; ++p) CV_TRY(check_partition(PartitionId(p)));
    check_objects_listed_once();
    for (std::size_t i = 0; i < check_.seals.size(); ++i) check_seal(i);
    check_first_seal();
    return std::move(check_);
  }

 private:
  using EachEntry = std::function<void(const WalkedEntry&)>;

  void problem(const char* kind, const std::string& key, std::string detail) {
    check_.problems.push_back({kind, key, std::move(detail)});
  }

  // The end by the folder's own listing: what galloping finds may stop before a hole, and a hole is what is
  // looked for here.
  Result<Slot> listed_end(const std::string& folder) {
    Slot end(0);
    CV_TRY(for_each_object(store_, folder, [&](const ObjectInfo& info) -> Result<void> {
      const auto slot = KeyLayout::parse_slot_name(std::string_view(info.key).substr(folder.size()));
      if (slot) end = std::max(end, slot->next());
      return {};
    }));
    return end;
  }

  // Every slot that can be read goes to `each`, also behind a damaged one.
  Result<void> walk(Chain& chain, Slot end, const EachEntry& each) {
    std::string previous = kNoPrevious;
    for (Slot slot(0); slot < end; slot = slot.next()) {
      const auto walked = read_entry(chain, slot);
      if (!walked && !is_damage(walked.error())) return walked.error();
      if (!walked) {
        const bool gone = walked.error().code == ErrorCode::kNotFound;
        problem(gone ? "chain-missing" : "chain", chain.key(slot),
                gone ? "this ledger slot is gone, later ones exist" : walked.error().message);
        unread_.insert(chain.key(slot));
        previous.clear();
        continue;
      }
      ++check_.slots;
      if (!previous.empty() && walked->entry.header.previous != previous) {
        problem("chain", chain.key(slot),
                "it does not name the bytes of the slot before it: one of the two was rewritten");
      }
      each(*walked);
      previous = walked->sha256;
    }
    return {};
  }

  Result<void> check_seals_chain() {
    Chain chain(store_, layout_.seal_chain());
    CV_ASSIGN(const Slot end, listed_end(chain.folder()));
    if (end == Slot(0)) {
      CV_ASSIGN(const ListPage ledger, store_.list(layout_.ledger_prefix(), std::nullopt, {}, 1));
      check_.exists = !ledger.objects.empty();
      if (check_.exists)
        problem("chain-missing", chain.key(Slot(0)),
                "the chain of seals is gone, other parts of the ledger exist");
      return {};
    }
    check_.exists = true;
    return walk(chain, end, [&](const WalkedEntry& walked) {
      if (const auto* hub = std::get_if<HubEntry>(&walked.entry.body)) {
        check_.hub = *hub;
      } else if (const auto* seal = std::get_if<SealEntry>(&walked.entry.body)) {
        if (!check_.seals.empty() && check_.seals.back().to != seal->from) {
          problem("seal", walked.key, "it does not start where the seal before ended");
        }
        check_.seals.push_back(*seal);
        seal_keys_.push_back(walked.key);
      } else {
        problem("chain", walked.key, "an entry of another chain stands here");
      }
    });
  }

  Result<void> check_partition(PartitionId partition) {
    Chain chain(store_, layout_.partition_chain(partition));
    CV_ASSIGN(const Slot end, listed_end(chain.folder()));
    check_.ends[partition] = end;
    PartitionFold fold(partition);
    bool folding = true;
    auto& watermarks = watermarks_[partition];
    CV_TRY(walk(chain, end, [&](const WalkedEntry& walked) {
      if (folding) {
        const auto added = fold.add(walked);
        if (!added) problem("chain", walked.key, added.error().message);
        folding = added.has_value();  // one broken rule says it; what follows would only repeat it
      }
      if (const auto* commit = std::get_if<CommitEntry>(&walked.entry.body)) {
        watermarks[walked.slot] = commit->reached;
        for (const SegmentFacts& f : commit->segments)
          check_.segments.push_back({f, walked.slot, walked.entry.header.time, commit->epoch});
        for (const SegmentFacts& f : commit->dead_letters)
          check_.dead_letters.push_back({f, walked.slot, walked.entry.header.time, commit->epoch});
      } else if (const auto* lost = std::get_if<LostEntry>(&walked.entry.body)) {
        check_.lost.push_back({partition, walked.slot, *lost});
      }
    }));
    check_promise(chain, partition, end);
    return {};
  }

  // Seals name slots that must exist: newest slots that were taken away are found by them.
  void check_promise(Chain& chain, PartitionId partition, Slot end) {
    if (check_.seals.empty()) return;
    const auto named = check_.seals.back().through.find(partition);
    if (named != check_.seals.back().through.end() && named->second >= end) {
      unread_.insert(chain.key(named->second));
      problem("chain-missing", chain.key(named->second),
              "the newest seal names this ledger slot, it is gone");
    }
  }

  void check_objects_listed_once() {
    std::set<std::string> keys;
    for (const auto* list : {&check_.segments, &check_.dead_letters}) {
      for (const ListedSegment& s : *list) {
        if (!keys.insert(s.facts.key).second)
          problem("listed-twice", s.facts.key, "more than one ledger slot lists it");
      }
    }
  }

  void check_seal(std::size_t index) {
    const SealEntry& seal = check_.seals[index];
    const std::string& key = seal_keys_[index];
    SealContent content(seal.from, seal.to);
    for (const ListedSegment& s : check_.segments) content.add_segment(s.facts);
    for (const ListedSegment& s : check_.dead_letters) content.add_dead_letters(s.facts);
    if (content.take_cells() != seal.cells) {
      problem("seal", key,
              fmt::format("what it says of the hours {} to {} is not what the commits list",
                          to_string(seal.from), to_string(seal.to)));
    }
    if (content.take_dead_letters() != seal.dead_letters) {
      problem("seal", key, "what it says of dead letters is not what the commits list");
    }
    for (std::int32_t p = 0; p < check_.hub.partitions; ++p) {
      const auto through = seal.through.find(PartitionId(p));
      if (through == seal.through.end()) {
        problem("seal", key, fmt::format("it does not say up to which slot it read partition {}", p));
      } else {
        check_through(seal, key, through->first, through->second);
      }
    }
  }

  // The first seal begins with the first hour of all, so nothing lies before it.
  void check_first_seal() {
    if (check_.seals.empty()) return;
    const Hour from = check_.seals.front().from;
    for (const auto* list : {&check_.segments, &check_.dead_letters}) {
      for (const ListedSegment& s : *list) {
        if (s.facts.hour >= from) continue;
        return problem(
            "seal", seal_keys_.front(),
            fmt::format("it begins with the hour {}, but {} lies before it", to_string(from), s.facts.key));
      }
    }
  }

  void check_through(const SealEntry& seal, const std::string& key, PartitionId partition, Slot slot) {
    const auto& watermarks = watermarks_[partition];
    const auto named = watermarks.find(slot);
    if (named == watermarks.end()) {
      if (unread_.contains(Chain(store_, layout_.partition_chain(partition)).key(slot)))
        return;  // damaged or gone, said already
      return problem("seal", key,
                     fmt::format("slot {} of partition {}, up to which it read, is no commit", slot.value,
                                 partition.value));
    }
    const bool first = named == watermarks.begin() || std::prev(named)->second < seal.to.start();
    if (named->second < seal.to.start() || !first) {
      problem("seal", key,
              fmt::format("slot {} of partition {} is not the first whose watermark reached the seal's end",
                          slot.value, partition.value));
    }
  }

  ObjectStore& store_;
  const KeyLayout& layout_;
  LedgerCheck check_;
  std::vector<std::string> seal_keys_;
  std::set<std::string> unread_;  // slots that are damaged or gone
  std::map<PartitionId, std::map<Slot, Timestamp>> watermarks_;
};

}  // namespace

Result<LedgerCheck> check_ledger(ObjectStore& store, const KeyLayout& layout) {
  return LedgerChecker(store, layout).run();
}

}  // namespace changevault
