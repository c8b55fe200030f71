// Which archive this is, as the groups of a hub know it.
#pragma once

#include "archive/archiver.h"
#include "archive/ledger_walk.h"
#include "hub/hub.h"

namespace changevault {

// `first`: slot 0 of the seals. Its digest is the archive's id for ever, wherever the archive is moved or
// copied; its nonce makes it differ from every other archive's.
inline GroupOwner owner_of(const Archiver::Parts& parts, const WalkedEntry& first) {
  return {first.sha256, parts.store.url() + "/" + parts.layout.root()};
}

}  // namespace changevault
