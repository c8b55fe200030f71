// What is known of an archived file that a seal names while the ledger slot that listed it cannot be read.
#pragma once

#include <string>

#include "archive/catalog.h"
#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// Reads the file whole and proves it by the seal's sha256; its facts are then those of the slot, but for md5
// and block index. `ns` is that of the seal's cell (of dead letters: empty). Slot, time and epoch are not
// known here. kCorrupt, kNotFound: the file is damaged, too.
Result<ListedSegment> read_sealed(ObjectStore& store, const KeyLayout& layout, const SealedSegment& sealed,
                                  const Namespace& ns);

// The same without reading: what its name and the seal tell; no counts, no sizes.
ListedSegment name_sealed(const KeyLayout& layout, const SealedSegment& sealed, const Namespace& ns);

}  // namespace changevault
