// The ledger's entries as values (docs/formats/ledger.md), and their JSON. Writing and reading the chains
// they stand in: archive/chain.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json_fwd.h"
#include "model/event_id.h"
#include "model/hour.h"
#include "model/ids.h"
#include "model/segment_facts.h"

namespace changevault {

// What is written; readers refuse more.
inline constexpr std::int64_t kLedgerFormat = 1;

// --- chain of a partition ---

// "From this slot on the partition is mine": fences whoever wrote the slots before.
struct ClaimEntry {
  Epoch epoch{};
  Sequence next{};                   // the first event that this owner will archive
  std::optional<Timestamp> reached;  // time reached by the partition so far; nullopt: nothing yet
  std::optional<Timestamp> floor;    // a partition that joined late: no event is placed below
  bool operator==(const ClaimEntry&) const = default;
};

// The last event of a commit, by which a replaced hub is recognised.
struct Tail {
  Sequence sequence{};
  EventId event_id;  // of a dead letter: its position id
  Timestamp broker_time{};
  bool operator==(const Tail&) const = default;
};

struct CommitEntry {
  Epoch epoch{};
  Sequence first{};  // = last of the commit before + 1
  Sequence last{};   // first - 1 in an idle commit
  std::int64_t events = 0;
  Timestamp reached{};  // the watermark: every event before it is archived
  std::optional<Tail> tail;
  std::vector<SegmentFacts> segments;
  std::vector<SegmentFacts> dead_letters;
  bool operator==(const CommitEntry&) const = default;
  bool idle() const { return last < first; }
};

// A range that the hub no longer had.
struct LostEntry {
  Epoch epoch{};
  Sequence first{};
  Sequence last{};  // where `unbounded`: first
  std::string reason;
  std::optional<Timestamp> from;  // between these times
  std::optional<Timestamp> to;
  std::vector<std::string> salvage;  // keys of leftovers that overlap the range
  // The end of an epoch: how many events its hub held from `first` on nobody knows; there may have been none.
  bool unbounded = false;
  Sequence end() const { return unbounded ? Sequence(INT64_MAX) : last; }
  bool operator==(const LostEntry&) const = default;
};

// --- chain of seals ---

struct HubEntry {
  std::string hub_kind;
  std::string identity;
  std::string topic;
  Epoch epoch{};
  std::string group;
  std::string source_id;
  std::int32_t partitions = 0;
  bool operator==(const HubEntry&) const = default;
};

struct SealedSegment {
  std::string key;
  std::string sha256;
  bool operator==(const SealedSegment&) const = default;
};

// One hour of one collection, for ever.
struct SealedCell {
  Hour hour;
  Namespace ns;
  Digest digest;
  OperationCounts operations;
  std::vector<SealedSegment> segments;
  bool operator==(const SealedCell&) const = default;
};

struct SealedDeadLetters {
  Hour hour;
  std::int64_t records = 0;
  std::vector<SealedSegment> objects;
  bool operator==(const SealedDeadLetters&) const = default;
};

struct SealedLoss {
  PartitionId partition{};
  Slot slot{};
  bool operator==(const SealedLoss&) const = default;
};

struct SealEntry {
  Hour from;                      // inclusive
  Hour to;                        // exclusive
  std::vector<SealedCell> cells;  // ordered by hour, namespace; what is not there had no events
  std::vector<SealedDeadLetters> dead_letters;
  std::vector<SealedLoss> lost;
  std::map<PartitionId, Slot> through;  // per partition: the first slot whose watermark >= `to`
  std::optional<Slot> hub;  // the newest `hub` entry of the chain; nullopt in seals of older programs
  bool operator==(const SealEntry&) const = default;
};

using EntryBody = std::variant<ClaimEntry, CommitEntry, LostEntry, HubEntry, SealEntry>;

// What every slot carries.
struct EntryHeader {
  std::string owner;  // "host:pid:…" of the writer
  std::string nonce;  // by which a writer knows its own slot again
  Timestamp time{};
  std::string previous;  // sha256 (hex) of the bytes of the slot before; 64 zeros in slot 0
  bool operator==(const EntryHeader&) const = default;
};

struct Entry {
  EntryHeader header;
  EntryBody body;
  bool operator==(const Entry&) const = default;
};

// The slot's exact bytes.
std::string encode_entry(const Entry& entry);
// kCorrupt (naming `object`) for bytes that are no entry; a newer format version is said as such.
Result<Entry> decode_entry(std::string_view bytes, const std::string& object);

// SegmentFacts as the ledger writes them.
Json to_json(const SegmentFacts& facts);

}  // namespace changevault
