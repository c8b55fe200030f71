// How far `--once` has to go: to where the hub ended when it began, whoever of the group archives it.
#pragma once

#include <map>
#include <set>

#include "archive/archive_parts.h"
#include "archive/sealer.h"
#include "base/result.h"
#include "hub/hub.h"

namespace changevault {

// Not thread-safe. Both references outlive it.
class OnceTarget {
 public:
  OnceTarget(ArchiveContext& context, const Sealer& sealer) : context_(context), sealer_(sealer) {}

  // Takes the hub's present ends.
  Result<void> look();
  const std::map<PartitionId, PartitionBounds>& ends() const { return ends_; }

  // Whether the ledger says that the partition is archived as far. Asks it now and then only, and says once
  // that somebody is waited for. kBusy, naming who wrote last, once nothing new has come there for two flush
  // intervals and half a minute: who holds it does not archive, or archives somewhere else.
  Result<bool> reached_by_others(PartitionId partition);

 private:
  struct Sighting {
    Slot end{};  // of the partition's chain
    Duration since{};
  };
  Error gives_up(PartitionId partition, const std::string& last_owner) const;

  ArchiveContext& context_;
  const Sealer& sealer_;
  std::map<PartitionId, PartitionBounds> ends_;
  std::set<PartitionId> reached_;
  std::map<PartitionId, Sighting> sightings_;
  Duration asked_at_{};
  bool told_ = false;
};

}  // namespace changevault
