// Begins the chain of seals again where it is gone as a whole.
//
// Problem. Slot 0 of the seals says which hub is archived, for which group and source. Without it nothing is
// archived any more and no hour counts as sealed; it carries a random number, so its bytes cannot be made
// again. What it says can be learned, though, and every seal behind it is computed from the partitions'
// chains alone (archive/sealer.h): the next archiver writes them again.
//
// Invariants.
//  1. Only where the chain is empty, and the archive never had another hub: what later epochs were called
//     only the lost chain knew.
//  2. The hub is proven: it still holds the last event archived of a partition, and of no partition another
//     one in its place. The ids by which that is compared are made from the source, so that is proven too.
//  3. Nobody archives meanwhile: the group has no live member. One that runs on all the same wrote its seals
//     behind the lost ones, and goes on to; a hole in the chain tells of it.
//  4. The hub knows the archive by the digest of the lost slot. Its group is deleted before the new slot is
//     written: whoever dies in between leaves a chain that is still gone, and the next repair begins anew.
//     The group's position is a hint, the ledger knows where to go on.
#pragma once

#include <string>

#include "archive/ledger.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "hub/hub.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// How the configuration calls what is archived.
struct ArchiveNames {
  std::string group;
  std::string source_id;
};

// References outlive it. Not thread-safe.
class SealsBeginning {
 public:
  struct Parts {
    Hub& hub;
    ObjectStore& store;
    const KeyLayout& layout;
    Clock& clock;
    Random& random;
  };
  SealsBeginning(const Parts& parts, ArchiveNames names) : parts_(parts), names_(std::move(names)) {}

  struct Proof {
    HubEntry entry;  // that slot 0 will hold
    int proven = 0;  // partitions whose last archived event the hub still holds
  };
  // Changes nothing. Errors, each with what to do: kIndeterminate where it cannot be proven, kBusy while
  // somebody archives, kUsage where the group works for another archive, kCorrupt where a chain's end is
  // damaged, what hub and store say.
  Result<Proof> prove();

  // Proves it again, lets the hub forget the group, and writes slot 0. kStalePlan where it stands already.
  Result<void> begin(const std::string& owner);

 private:
  Result<void> check_group();

  Parts parts_;
  ArchiveNames names_;
};

}  // namespace changevault
