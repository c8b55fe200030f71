#include "archive/verify_ledger.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "archive/adopted.h"
#include "archive/chain.h"
#include "archive/ledger_problem.h"
#include "archive/ledger_walk.h"
#include "archive/seal_content.h"
#include "base/hash.h"
#include "codec/json.h"
#include "codec/sealed_json.h"

namespace changevault {
namespace {

class LedgerChecker {
 public:
  LedgerChecker(ObjectStore& store, const KeyLayout& layout) : store_(store), layout_(layout) {}

  Result<LedgerCheck> run() {
    CV_TRY(check_adopted_chain());
    CV_TRY(check_seals_chain());
    if (!check_.exists) return std::move(check_);
    for (std::int32_t p = 0; p < check_.partitions(); ++p) CV_TRY(check_partition(PartitionId(p)));
    check_objects_listed_once();
    for (const ListedSegment& s : check_.segments) segments_of_[s.facts.hour].push_back(&s.facts);
    for (const ListedSegment& s : check_.dead_letters) dead_letters_of_[s.facts.hour].push_back(&s.facts);
    for (std::size_t i = 0; i < check_.seals.size(); ++i) check_seal(i);
    check_first_seal();
    for (const std::string& folder :
         {layout_.ack_chain(), layout_.recoveries_prefix(), layout_.repair_chain()}) {
      CV_TRY(check_records(folder));
    }
    return std::move(check_);
  }

 private:
  using EachEntry = std::function<void(const WalkedEntry&)>;
  struct Claim {
    std::string key;
    ClaimEntry entry;
  };
  struct SealPlace {
    std::string key;
    std::int32_t partitions;  // of the newest hub entry before it
    Slot hub;                 // where that stands
  };

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

  void rewritten(const Chain& chain, Slot slot) {
    problem("chain", chain.key(slot),
            "the slots beside it do not fit it: it was rewritten, or is another slot's bytes");
  }

  // Every slot that can be read goes to `each`, also behind a damaged one. Of two that do not follow each
  // other the one is wrong whose bytes the slot behind it does not name.
  Result<void> walk(Chain& chain, Slot end, const EachEntry& each) {
    std::string previous = kNoPrevious;
    bool torn = false;  // the slot before does not follow from the one before it
    for (Slot slot(0); slot < end; slot = slot.next()) {
      const auto walked = read_entry(chain, slot);
      if (!walked && !is_ledger_damage(walked.error())) return walked.error();
      if (!walked) {
        const bool gone = walked.error().code == ErrorCode::kNotFound;
        problem(gone ? "chain-missing" : "chain", chain.key(slot),
                gone ? "this ledger slot is gone, later ones exist" : walked.error().message);
        unread_.insert(chain.key(slot));
        if (torn) rewritten(chain, slot.previous());
        torn = false;
        previous.clear();
        continue;
      }
      ++check_.slots;
      const bool follows = previous.empty() || walked->entry.header.previous == previous;
      if (torn) rewritten(chain, follows && slot > Slot(1) ? slot.previous().previous() : slot.previous());
      torn = !follows;
      each(*walked);
      previous = walked->sha256;
    }
    if (torn) rewritten(chain, end.previous());
    return {};
  }

  Result<void> check_adopted_chain() {
    CV_ASSIGN(AdoptedFiles adopted, read_adopted(store_, layout_));
    has_adopted_chain_ = adopted.slots > 0 || !adopted.problems.empty();
    check_.slots += adopted.slots;
    check_.identity = adopted.identity;  // until a seal has a better one
    check_.adopted = std::move(adopted.segments);
    for (const LedgerProblem& damage : adopted.problems) {
      const bool gone = damage.error.code == ErrorCode::kNotFound;
      problem(gone ? "chain-missing" : "chain", damage.error.object, damage.error.message);
    }
    return {};
  }

  Result<void> check_seals_chain() {
    Chain chain(store_, layout_.seal_chain());
    CV_ASSIGN(const Slot end, listed_end(chain.folder()));
    if (end == Slot(0)) {
      // Recoveries and acknowledgements leave their records beside an archive without a ledger, too.
      CV_ASSIGN(const std::vector<PartitionId> chains, partition_chains(store_, layout_));
      check_.exists = !chains.empty() || has_adopted_chain_;
      if (!chains.empty())
        problem("chain-missing", chain.key(Slot(0)),
                "the chain of seals is gone, other parts of the ledger exist");
      return {};
    }
    check_.exists = check_.has_seals = true;
    seals_end_ = end;
    return walk(chain, end, [&](const WalkedEntry& walked) {
      if (walked.slot == Slot(0)) check_.identity = walked.sha256;
      if (const auto* hub = std::get_if<HubEntry>(&walked.entry.body)) {
        add_hub(*hub, walked.key);
        hub_slot_ = walked.slot;
      } else if (const auto* seal = std::get_if<SealEntry>(&walked.entry.body)) {
        if (walked.slot == Slot(0)) problem("chain", walked.key, "the first entry is not the hub's");
        add_seal(*seal, walked.key);
      } else {
        problem("chain", walked.key, "an entry of another chain stands here");
      }
    });
  }

  void add_seal(const SealEntry& seal, const std::string& key) {
    if (!check_.seals.empty() && check_.seals.back().to != seal.from) {
      problem("seal", key, "it does not start where the seal before ended");
    }
    check_.seals.push_back(seal);
    seal_places_.push_back({key, check_.hubs.empty() ? 0 : check_.hubs.back().hub.partitions, hub_slot_});
  }

  // Within an epoch only partitions may be added; a new epoch is the next one.
  void add_hub(const HubEntry& hub, const std::string& key) {
    if (!check_.hubs.empty()) {
      const HubEntry& before = check_.hubs.back().hub;
      HubEntry grown = before;
      grown.partitions = hub.partitions;
      if (hub.epoch == before.epoch && (grown != hub || hub.partitions <= before.partitions)) {
        problem("hub", key, "within one epoch it may only name more partitions than the hub entry before it");
      } else if (hub.epoch != before.epoch && hub.epoch != before.epoch.next()) {
        problem("hub", key,
                fmt::format("it begins epoch {} behind epoch {}", hub.epoch.value, before.epoch.value));
      } else if (hub.group != before.group || hub.source_id != before.source_id) {
        problem("hub", key, "it names another group or another source than the hub entry before it");
      }
    }
    const auto sealed_to = check_.seals.empty() ? std::nullopt : std::optional(check_.seals.back().to);
    check_.hubs.push_back({hub, key, sealed_to});
  }

  // Hub entries that were written since the chain of seals was read; its seals are left for the next time.
  Result<void> read_newer_hubs() {
    Chain chain(store_, layout_.seal_chain());
    for (;; seals_end_ = seals_end_.next()) {
      const auto walked = read_entry(chain, seals_end_);
      if (!walked && is_ledger_damage(walked.error())) return {};
      if (!walked) return walked.error();
      if (const auto* hub = std::get_if<HubEntry>(&walked->entry.body)) add_hub(*hub, walked->key);
    }
  }

  Result<void> check_partition(PartitionId partition) {
    Chain chain(store_, layout_.partition_chain(partition));
    CV_ASSIGN(const Slot end, listed_end(chain.folder()));
    check_.ends[partition] = end;
    PartitionFold fold(partition);
    bool folding = true;
    std::set<Epoch> epochs;
    CV_TRY(walk(chain, end, [&](const WalkedEntry& walked) {
      if (folding) {
        const auto added = fold.add(walked);
        if (!added) problem("chain", walked.key, added.error().message);
        folding = added.has_value();  // one broken rule says it; what follows would only repeat it
      }
      take(partition, walked, epochs);
    }));
    const auto unknown = [&](Epoch epoch) { return check_.hub_of(epoch) == nullptr; };
    if (std::any_of(epochs.begin(), epochs.end(), unknown)) CV_TRY(read_newer_hubs());
    for (const Epoch epoch : epochs) {
      if (!check_.hubs.empty() && unknown(epoch))
        problem("chain", chain.folder(), fmt::format("no hub entry begins its epoch {}", epoch.value));
    }
    check_floors(partition);
    check_promise(chain, partition, end);
    return {};
  }

  void take(PartitionId partition, const WalkedEntry& walked, std::set<Epoch>& epochs) {
    if (const auto* claim = std::get_if<ClaimEntry>(&walked.entry.body)) {
      epochs.insert(claim->epoch);
      claims_[partition].push_back({walked.key, *claim});
      if (claim->floor) {
        Timestamp& floor = floors_.try_emplace(partition, *claim->floor).first->second;
        floor = std::max(floor, *claim->floor);
      }
    } else if (const auto* commit = std::get_if<CommitEntry>(&walked.entry.body)) {
      epochs.insert(commit->epoch);
      watermarks_[partition][walked.slot] = commit->reached;
      list(partition, commit->segments, check_.segments, walked, commit->epoch);
      list(partition, commit->dead_letters, check_.dead_letters, walked, commit->epoch);
    } else if (const auto* lost = std::get_if<LostEntry>(&walked.entry.body)) {
      epochs.insert(lost->epoch);
      check_.lost.push_back({partition, walked.slot, *lost});
    }
  }

  void list(PartitionId partition, const std::vector<SegmentFacts>& objects, std::vector<ListedSegment>& into,
            const WalkedEntry& walked, Epoch epoch) {
    for (const SegmentFacts& facts : objects) {
      check_floor(partition, facts);
      into.push_back({facts, walked.slot, walked.entry.header.time, epoch});
    }
  }

  // A partition that joins behind sealed hours must not place an event in one of them.
  void check_floors(PartitionId partition) {
    const std::vector<Claim>& claims = claims_[partition];
    for (std::size_t i = 1; i < check_.hubs.size(); ++i) {
      const HubPeriod& period = check_.hubs[i];
      const bool joins =
          check_.hubs[i - 1].hub.partitions <= partition.value && partition.value < period.hub.partitions;
      if (!joins || !period.sealed_to) continue;
      const Timestamp sealed_to = period.sealed_to->start();
      const auto first = std::find_if(claims.begin(), claims.end(), [&](const Claim& claim) {
        return claim.entry.epoch >= period.hub.epoch;
      });
      if (first == claims.end() || (first->entry.floor && *first->entry.floor >= sealed_to)) continue;
      problem("floor", first->key,
              fmt::format("the partition joined when the hours before {} were sealed, its first claim does "
                          "not keep its events out of them",
                          to_rfc3339_seconds(sealed_to)));
    }
  }

  void check_floor(PartitionId partition, const SegmentFacts& facts) {
    const auto floor = floors_.find(partition);
    if (floor == floors_.end() || facts.min_time >= floor->second) return;
    problem("floor", facts.key,
            fmt::format("it holds events before {}, where its partition may place none",
                        to_rfc3339(floor->second)));
  }

  // Seals name slots that must exist: newest slots that were taken away are found by them.
  void check_promise(Chain& chain, PartitionId partition, Slot end) {
    std::optional<Slot> newest;
    for (const SealEntry& seal : check_.seals) {
      const auto named = seal.through.find(partition);
      if (named != seal.through.end()) newest = std::max(newest.value_or(named->second), named->second);
    }
    if (newest && *newest >= end) {
      unread_.insert(chain.key(*newest));
      problem("chain-missing", chain.key(*newest), "a seal names this ledger slot, it is gone");
    }
  }

  void check_objects_listed_once() {
    std::set<std::string> keys;
    for (const auto* list : {&check_.segments, &check_.dead_letters, &check_.adopted}) {
      for (const ListedSegment& s : *list) {
        if (!keys.insert(s.facts.key).second)
          problem("listed-twice", s.facts.key, "more than one ledger slot lists it");
      }
    }
  }

  void check_seal(std::size_t index) {
    const SealEntry& seal = check_.seals[index];
    const std::string& key = seal_places_[index].key;
    SealContent content(seal.from, seal.to);
    for (auto at = segments_of_.lower_bound(seal.from); at != segments_of_.end() && at->first < seal.to;
         ++at) {
      for (const SegmentFacts* facts : at->second) content.add_segment(*facts);
    }
    for (auto at = dead_letters_of_.lower_bound(seal.from);
         at != dead_letters_of_.end() && at->first < seal.to; ++at) {
      for (const SegmentFacts* facts : at->second) content.add_dead_letters(*facts);
    }
    if (content.take_cells() != seal.cells) {
      problem("seal", key,
              fmt::format("what it says of the hours {} to {} is not what the commits list",
                          to_string(seal.from), to_string(seal.to)));
    }
    if (content.take_dead_letters() != seal.dead_letters) {
      problem("seal", key, "what it says of dead letters is not what the commits list");
    }
    check_losses(index);
    if (seal.hub && *seal.hub != seal_places_[index].hub) {
      problem("seal", key,
              fmt::format("it names slot {} as the newest one that says which hub is archived, "
                          "that is slot {}",
                          seal.hub->value, seal_places_[index].hub.value));
    }
    for (std::int32_t p = 0; p < seal_places_[index].partitions; ++p) {
      const auto through = seal.through.find(PartitionId(p));
      if (through == seal.through.end()) {
        problem("seal", key, fmt::format("it does not say up to which slot it read partition {}", p));
      } else {
        check_through(seal, key, through->first, through->second);
      }
    }
    for (const auto& [partition, slot] : seal.through) {
      if (partition.value < seal_places_[index].partitions) continue;
      problem("seal", key,
              fmt::format("it speaks of partition {}, which the hub did not have then", partition.value));
    }
  }

  // Where events were lost, an absent collection was not quiet: a seal names the losses that touch its hours,
  // and none that is not there.
  void check_losses(std::size_t index) {
    const SealEntry& seal = check_.seals[index];
    const std::string& key = seal_places_[index].key;
    const auto named = [&](PartitionId partition, Slot slot) {
      return std::find(seal.lost.begin(), seal.lost.end(), SealedLoss{partition, slot}) != seal.lost.end();
    };
    for (const LostRange& loss : check_.lost) {
      const bool touched = (!loss.entry.from || *loss.entry.from < seal.to.start()) &&
                           (!loss.entry.to || seal.from.start() <= *loss.entry.to);
      if (!touched || named(loss.partition, loss.slot)) continue;
      problem("seal", key,
              fmt::format("it does not name the loss of the events {} of partition {} (slot {})",
                          loss.entry.unbounded
                              ? fmt::format("from {} on", loss.entry.first.value)
                              : fmt::format("{} to {}", loss.entry.first.value, loss.entry.last.value),
                          loss.partition.value, loss.slot.value));
    }
    for (const SealedLoss& loss : seal.lost) {
      const bool there = std::any_of(check_.lost.begin(), check_.lost.end(), [&](const LostRange& l) {
        return l.partition == loss.partition && l.slot == loss.slot;
      });
      if (there || unread_.contains(slot_key(loss.partition, loss.slot))) continue;
      problem("seal", key,
              fmt::format("it names a loss in slot {} of partition {}, which is none", loss.slot.value,
                          loss.partition.value));
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
            "seal", seal_places_.front().key,
            fmt::format("it begins with the hour {}, but {} lies before it", to_string(from), s.facts.key));
      }
    }
  }

  void check_through(const SealEntry& seal, const std::string& key, PartitionId partition, Slot slot) {
    const auto& watermarks = watermarks_[partition];
    const auto named = watermarks.find(slot);
    if (named == watermarks.end()) {
      if (unread_.contains(slot_key(partition, slot))) return;  // damaged or gone, said already
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

  // Records of one folder, met in the order of their names: slots first, then the plan of a recovery.
  struct RecordFolder {
    std::string name;
    Slot next{};
    std::string previous = kNoPrevious;  // sha256 of the slot before; empty: not known
    bool has_plan = false;
  };

  // What people and programs did to the archive: every file proves itself, slots follow each other, and a
  // recovery has its plan.
  Result<void> check_records(const std::string& prefix) {
    RecordFolder folder;
    CV_TRY(for_each_object(store_, prefix, [&](const ObjectInfo& info) -> Result<void> {
      CV_ASSIGN(const std::string bytes, store_.get(info.key));
      const std::string name = info.key.substr(0, info.key.rfind('/') + 1);
      if (name != folder.name) {
        check_plan(folder);
        folder = {};
        folder.name = name;
      }
      check_record(info.key, bytes, folder);
      return {};
    }));
    check_plan(folder);
    return {};
  }

  void check_record(const std::string& key, const std::string& bytes, RecordFolder& folder) {
    const auto json = open_sealed_json(bytes, key);
    if (!json) problem("audit", key, json.error().message);
    const auto slot = KeyLayout::parse_slot_name(std::string_view(key).substr(folder.name.size()));
    if (!slot) {
      folder.has_plan = true;
      return;
    }
    if (*slot != folder.next) {
      problem("audit", folder.name + KeyLayout::slot_name(folder.next),
              "this entry is gone, later ones exist");
    } else if (json && !folder.previous.empty() &&
               json->value("previous", folder.previous) != folder.previous) {
      problem("audit", key, "it does not name the bytes of the entry before it");
    }
    folder.next = slot->next();
    folder.previous = json ? sha256_hex(bytes) : std::string();
  }

  void check_plan(const RecordFolder& folder) {
    const std::string recoveries = layout_.recoveries_prefix();
    if (!folder.name.starts_with(recoveries) || folder.has_plan || folder.next == Slot(0)) return;
    const std::string id = folder.name.substr(recoveries.size(), folder.name.size() - recoveries.size() - 1);
    problem("audit", layout_.recovery_plan(id), "the plan of this recovery is gone, its journal exists");
  }

  std::string slot_key(PartitionId partition, Slot slot) const {
    return layout_.partition_chain(partition) + KeyLayout::slot_name(slot);
  }

  ObjectStore& store_;
  const KeyLayout& layout_;
  LedgerCheck check_;
  bool has_adopted_chain_ = false;
  std::vector<SealPlace> seal_places_;  // of check_.seals
  Slot hub_slot_{};                     // of the newest hub entry met so far
  Slot seals_end_{};                    // behind what was read of their chain
  std::map<PartitionId, std::vector<Claim>> claims_;
  std::map<PartitionId, Timestamp> floors_;
  std::map<Hour, std::vector<const SegmentFacts*>> segments_of_;  // for the seals, which are by hour
  std::map<Hour, std::vector<const SegmentFacts*>> dead_letters_of_;
  std::set<std::string> unread_;  // slots that are damaged or gone
  std::map<PartitionId, std::map<Slot, Timestamp>> watermarks_;
};

}  // namespace

const HubEntry* LedgerCheck::hub_of(Epoch epoch) const {
  const auto found = std::find_if(hubs.rbegin(), hubs.rend(),
                                  [&](const HubPeriod& period) { return period.hub.epoch == epoch; });
  return found == hubs.rend() ? nullptr : &found->hub;
}

std::int32_t LedgerCheck::partitions() const {
  std::int32_t most = 0;
  for (const HubPeriod& period : hubs) most = std::max(most, period.hub.partitions);
  return most;
}

Result<LedgerCheck> check_ledger(ObjectStore& store, const KeyLayout& layout) {
  return LedgerChecker(store, layout).run();
}

}  // namespace changevault
