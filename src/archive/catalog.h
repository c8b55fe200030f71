// The archive as its ledger tells it, for everything that reads: what is archived, sealed, lost.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "archive/cell_count.h"
#include "archive/chain_reader.h"
#include "archive/ledger.h"
#include "archive/ledger_problem.h"
#include "base/result.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// What is known besides of a file that another program wrote.
struct ForeignFacts {
  bool adopted = false;          // listed by the chain of adopted files (archive/adopted.h); else by nothing
  std::string source_id;         // by which records without an event_id got one
  std::vector<CellCount> cells;  // what it holds of each hour and collection; empty: all is in one place, the
                                 // one of its facts
};

struct ListedSegment {
  SegmentFacts facts;
  Slot slot{};            // of the commit
  Timestamp listed_at{};  // time of that commit
  Epoch epoch{};          // of that commit: says which life of the hub the records came from
  // That commit cannot be read; a seal names the file, and its facts were counted from its proven bytes.
  bool by_seal = false;
  std::shared_ptr<const ForeignFacts> foreign = nullptr;  // null: a segment of our own

  std::span<const CellCount> cells() const {
    return foreign ? std::span(foreign->cells) : std::span<const CellCount>();
  }
  bool adopted() const { return foreign && foreign->adopted; }
};

// Calls each(hour, namespace, digest) for every place that it holds records of.
template <typename Each>
void for_each_place(const ListedSegment& segment, Each&& each) {
  if (segment.cells().empty()) each(segment.facts.hour, segment.facts.ns, segment.facts.counted());
  for (const CellCount& cell : segment.cells()) each(cell.hour, cell.ns, cell.digest);
}

// May hold records of the scope.
bool touches(const Scope& scope, const ListedSegment& segment);
// Every record of a segment that `touches` is in the scope.
bool takes_whole(const Scope& scope, const ListedSegment& segment);

struct PartitionState {
  PartitionId partition{};
  Slot end{};                          // the next free slot
  std::optional<Timestamp> watermark;  // nullopt: only claims so far
  std::optional<Sequence> next;        // behind the last committed event
  std::int64_t events = 0;
};

struct LostRange {
  PartitionId partition{};
  Slot slot{};
  LostEntry entry;
};

// What one hour of one collection holds.
struct ArchiveCell {
  Hour hour;
  Namespace ns;
  Digest digest;
  OperationCounts operations;
  Timestamp newest_listing{};  // when the last of its segments was listed
  std::vector<const ListedSegment*> segments;
};

// A snapshot: chains are read once, each slot checked (self, previous, dense numbering, contiguous
// sequences). Immutable, so any thread may read it.
//
// Damage costs no more than what it touches. What a slot listed that cannot be read is taken from the seals,
// which name every file of their hours by its sha256; only hours that no seal proves stay uncertain.
class Catalog {
 public:
  // kNotFound where there is no archive; what the store says. What is damaged is in `problems`.
  static Result<Catalog> read(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots = {});

  // Of an archive without a ledger: these segments, in any order, and nothing else.
  static Catalog of_files(std::vector<ListedSegment> segments);

  // Each damaged slot once, seals first, then by partition; empty where the ledger is whole.
  const std::vector<LedgerProblem>& problems() const { return problems_; }
  // The newest; nullptr where no slot that can be read says it.
  const HubEntry* hub() const { return hub_ ? &*hub_ : nullptr; }
  const std::vector<ListedSegment>& segments() const { return segments_; }  // ordered by key
  const std::vector<ListedSegment>& dead_letters() const { return dead_letters_; }
  const std::vector<LostRange>& lost() const { return lost_; }
  const std::vector<PartitionState>& partitions() const { return partitions_; }
  const std::vector<SealEntry>& seals() const { return seals_; }

  std::optional<Hour> sealed_from() const;  // start of the first seal
  std::optional<Hour> sealed_to() const;    // end of the last one, exclusive
  bool is_sealed(Hour hour) const;
  // The first hour that any segment or dead letter lies in; nullopt in an empty archive.
  std::optional<Hour> first_hour() const;
  // The last such hour.
  std::optional<Hour> last_hour() const;

  // Listed segments that may hold records of the scope, ordered by namespace, hour, partition, first
  // sequence.
  std::vector<const ListedSegment*> select(const Scope& scope) const;
  // One cell, whole, for each hour and namespace in the scope that a listed segment lies in; ordered by hour,
  // namespace.
  std::vector<ArchiveCell> cells(const Scope& scope) const;
  // Every namespace that a listed segment belongs to, ordered.
  std::vector<Namespace> namespaces() const;
  const ListedSegment* find(const std::string& key) const;

 private:
  friend class CatalogReader;

  std::vector<LedgerProblem> problems_;
  std::optional<HubEntry> hub_;
  std::vector<ListedSegment> segments_;
  std::vector<ListedSegment> dead_letters_;
  std::vector<LostRange> lost_;
  std::vector<PartitionState> partitions_;
  std::vector<SealEntry> seals_;
};

}  // namespace changevault
