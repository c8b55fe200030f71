// The third side of gaps: what the hub holds, against what is archived of it. The hub's side is handed in as
// values; nothing here asks a hub.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json_fwd.h"
#include "model/ids.h"

namespace changevault {

enum class HubState {
  kOk,         // all that the hub has is archived
  kPending,    // events wait to be archived
  kUnclaimed,  // no archiver has read the partition in this life of the hub
  kLost,       // the hub has deleted events that are not archived, and nobody has recorded them as lost
  kReplaced,   // it is not the partition that was archived
  kUnknown,    // its ledger cannot be read
};
const char* name(HubState state);

// One partition, as hub and ledger tell it. Archiving goes on meanwhile: `first` is from before the ledger
// was read and `next` from after, so that nothing seems lost or impossible for that.
struct HubPartitionFacts {
  PartitionId partition{};
  Sequence first{};                  // the oldest event that the hub has
  Sequence next{};                   // its end
  std::optional<Sequence> archived;  // the next event to archive; nullopt: unclaimed
  std::optional<Sequence> begin;     // where an unclaimed one would be begun; nullopt: with what the hub has
  std::optional<std::string> replaced;  // what shows that it is not the one that was archived
  std::optional<Error> unreadable;      // why `archived` is not known
  // Ranges that the ledger has recorded as lost, of all lives of the hub, and their events as far as known.
  std::int64_t recorded_ranges = 0;
  std::int64_t recorded_lost = 0;
  bool operator==(const HubPartitionFacts&) const = default;
};

struct HubPartition {
  HubPartitionFacts facts;
  HubState state = HubState::kOk;
  // Zero where kReplaced and kUnknown: positions of one hub say nothing about another.
  std::int64_t pending = 0;  // the hub has them
  std::int64_t lost = 0;     // it had them
  // The hub does delete events, and more wait than archived ones stand before them.
  bool at_risk = false;
  std::optional<Sequence> oldest_pending;
  // When the hub got that event, and how long it has waited; nullopt: nothing waits, or it is not known.
  std::optional<Timestamp> oldest_pending_time;
  std::optional<Duration> oldest_pending_age;
};

// Pure. The times are left to whoever can ask for the event.
HubPartition judge(HubPartitionFacts facts);

struct HubCoverage {
  std::string url;  // of the hub
  bool identity_matches = true;
  // What keeps the archive from going on with this hub, and what to do about it: another identity, fewer
  // partitions, or a partition that is not the one that was archived.
  std::optional<Error> replaced;
  std::vector<HubPartition> partitions;  // of the hub, ordered

  std::int64_t pending() const;
  std::int64_t lost() const;
  std::int64_t recorded_ranges() const;
  std::int64_t recorded_lost() const;
  bool at_risk() const;
  std::optional<Duration> oldest_pending_age() const;  // the greatest that is known
  bool is_gap() const { return replaced.has_value() || lost() > 0; }
  bool uncertain() const;  // of some partition nobody can say
};

// The numbers that are not archived carry no event (control records of transactions, compacted keys).
void nothing_waits(HubPartition& partition);

// {"url":…,"identity_matches":…,"replaced":…,"partitions":[…],"pending":n,"lost":n,…}; what is not known is
// null.
Json to_json(const HubCoverage& hub);

}  // namespace changevault
