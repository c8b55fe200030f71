// What the archive holds, hour by hour: the short way through the ledger, for comparing.
//
// A year of commits is gigabytes, its seals are a fraction of that and say of every complete hour how many
// records and which digest each collection has. So sealed hours are taken from the seals alone, and of the
// partitions' chains only the end is read, from the slots on that the newest seal names. Names, times and
// facts of single segments are looked up for the cells that ask for them.
//
// Files of other programs that were adopted (archive/adopted.h) come on top: they stand in a chain of their
// own, which is read whole, and no seal speaks of them.
//
// Damage costs no more than what it touches. A seal that cannot be read is replaced by what the partitions'
// chains say about its hours; a commit that cannot be read makes the hours that it may speak of uncertain.
// Both are told as problems. Only where the ledger's ends cannot be found nothing is known.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "archive/catalog.h"
#include "archive/chain_reader.h"
#include "archive/ledger.h"
#include "archive/ledger_problem.h"
#include "archive/partition_part.h"
#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// One hour of one collection.
struct HourCell {
  Hour hour;
  std::uint32_t ns = 0;    // index into namespaces
  std::int32_t seal = -1;  // the seal that names it, by its place; -1: no seal does
  Digest digest;
  Timestamp listed_by{};      // its segments (but adopted ones) were listed by then, at the latest
  bool damaged = false;       // one of its files cannot be read whole: it holds this at the least
  std::int64_t segments = 0;  // but adopted ones
  bool operator==(const HourCell&) const = default;
};

// A snapshot. Not thread-safe; `store` and `layout` outlive it, as later questions read them again.
class HourCatalog {
 public:
  // kNotFound where there is no archive; kCorrupt where not even the ledger's ends can be found; what the
  // store says.
  static Result<HourCatalog> read(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots = {});

  const std::vector<Namespace>& namespaces() const { return namespaces_; }  // ordered
  const std::vector<HourCell>& cells() const { return cells_; }             // by hour, then namespace
  const std::vector<LostRange>& lost() const { return lost_; }
  std::int64_t dead_letters() const { return dead_letters_; }  // records
  const std::vector<LedgerProblem>& problems() const { return problems_; }

  // The newest; nullopt where a slot that cannot be read is or may be that.
  const std::optional<HubEntry>& hub() const { return hub_; }
  // Added to the hub that the archive began with, since (which a slot that cannot be read does not tell).
  bool joined_later(PartitionId partition) const {
    return hub_ && hub_->epoch == Epoch(0) && first_partitions_ && partition.value >= *first_partitions_;
  }
  // What the newest seal promises: the partition's chain ends here or later.
  Slot promised_end(PartitionId partition) const;

  std::optional<Hour> first_hour() const { return first_; }  // that holds anything
  std::optional<Hour> end() const { return end_; }           // behind all that holds anything or is sealed
  std::optional<Hour> sealed_from() const { return sealed_from_; }
  std::optional<Hour> sealed_to() const { return sealed_to_; }  // exclusive
  bool is_sealed(Hour hour) const { return sealed_from_ && *sealed_from_ <= hour && hour < *sealed_to_; }

  const std::vector<ListedSegment>& adopted() const { return adopted_; }
  // Some adopted file holds records of several cells.
  bool files_span_cells() const { return files_span_cells_; }

  // The objects of a cell, ordered by key. The seal of the last question is kept: ask hour by hour.
  Result<std::vector<SealedSegment>> objects_of(const HourCell& cell);

  // All that the ledger lists for these cells (block indexes are left out), ordered by namespace, hour,
  // partition, first sequence. What stood in a slot that cannot be read is taken from the files that the seal
  // names; one that cannot be proven either is left out. The damage is added to `problems` where given.
  Result<std::vector<ListedSegment>> listings_of(std::span<const HourCell> cells,
                                                 std::vector<LedgerProblem>* problems = nullptr);

 private:
  using SlotOfPartition = std::map<PartitionId, Slot>;
  struct Seal {
    Slot slot{};
    Hour from;
    Hour to;
    SlotOfPartition through;
  };
  // Hours that are read from the partitions' chains: slots `begin` to `last`, both inclusive.
  struct Stretch {
    Hour from;
    Hour to;
    SlotOfPartition begin;                // where absent: the first
    std::optional<SlotOfPartition> last;  // without it: to the chains' ends
  };
  using Place = std::pair<Hour, Namespace>;

  HourCatalog(ObjectStore& store, const KeyLayout& layout) : store_(&store), layout_(&layout) {}

  Result<void> read_all();
  Result<void> tell_slot();
  Result<void> read_adopted_files();
  Result<void> read_seals();
  Result<void> take_seal_slot(Slot slot, SlotOutcome outcome);
  void take_hub(Slot slot, const HubEntry& hub);
  Result<void> take_seal(const SealEntry& seal, const WalkedEntry& walked);
  SlotOfPartition last_through() const;
  Result<void> read_stretch(const Stretch& stretch);
  Result<void> read_stretch(const Stretch& stretch, PartitionId partition);
  Result<void> read_lost_slots();
  void take_hours(const Stretch& stretch, PartitionId partition, const WalkedEntry& walked);
  using DamageOfPartition = std::map<PartitionId, std::vector<DamagedSlot>>;
  Result<void> add_sealed(std::span<const HourCell> cells, const DamageOfPartition& damage,
                          std::vector<ListedSegment>& listings, std::vector<LedgerProblem>* problems);
  Result<void> keep_seal(std::int32_t seal);
  void finish();
  void add_adopted_cells();
  std::uint32_t ns_index(const Namespace& ns);
  void extend(Hour hour);

  ObjectStore* store_;
  const KeyLayout* layout_;
  const OnSlots* on_slots_ = nullptr;  // during `read` only
  std::int64_t slots_ = 0;
  std::int32_t partitions_ = 0;
  std::optional<HubEntry> hub_;
  std::optional<HubEntry> newest_hub_;            // that could be read
  Slot hub_slot_{};                               // of that one
  std::optional<std::int32_t> first_partitions_;  // of the first
  std::string previous_;  // sha256 of the last seal slot; empty where that could not be read
  std::vector<Seal> seals_;
  std::vector<Stretch> holes_;
  std::map<Namespace, std::uint32_t> ns_indexes_;
  std::vector<Namespace> namespaces_;
  std::vector<HourCell> cells_;
  std::map<Place, std::vector<ListedSegment>> open_;                          // of the cells without a seal
  std::map<std::pair<PartitionId, Slot>, std::pair<Hour, Hour>> lost_slots_;  // and the hours of their seals
  std::vector<LostRange> lost_;
  std::int64_t dead_letters_ = 0;
  std::vector<LedgerProblem> problems_;
  std::optional<Hour> first_, end_, sealed_from_, sealed_to_;
  std::vector<ListedSegment> adopted_;
  std::map<Place, std::vector<std::size_t>> adopted_at_;  // indexes into it
  bool has_adopted_chain_ = false;
  bool files_span_cells_ = false;
  std::int32_t kept_seal_ = -1;
  std::map<Place, std::vector<SealedSegment>> kept_objects_;  // of that seal
};

}  // namespace changevault
