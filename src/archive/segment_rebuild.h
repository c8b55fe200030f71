// Makes a lost or damaged object of the archive again, byte for byte, or says why that cannot be.
//
// The problem: a record carries the time at which the archiver wrote it. The hub still has the event, but
// nobody has written that time down beside the record itself.
//
// What is used. The ledger has the SHA-256 of every block of an object, so each block is made and proven by
// itself: one that is whole in the damaged object is taken as it is; any other is made from the hub's events.
// Times of writing are taken from hints (rows of the warehouse, records of the same commit around it: all
// events of one poll have the same time), or tried out within a bounded search. A hint may be wrong: only
// bytes with the SHA-256 of the ledger are ever given back, so nothing is guessed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/catalog.h"
#include "archive/oversize_reader.h"
#include "base/result.h"
#include "codec/record_builder.h"
#include "hub/hub.h"
#include "store/object_store.h"

namespace changevault {

// Times of writing, by sequence number.
using StampHints = std::map<Sequence, Timestamp>;

// Where the parts of an object may come from; each may be missing.
struct RebuildSources {
  Hub* hub = nullptr;
  std::optional<OversizeReader> bodies =
      {};  // of the pointers among its events; the Repairer's own where missing
  std::function<Result<StampHints>(PartitionId, Sequence first, Sequence last)> stamps;
  // Bytes that somebody kept under this key; they are believed only with the right SHA-256.
  std::function<Result<std::optional<std::string>>(const std::string& key)> copy;
  int gzip_level = 1;                                 // the one to try first
  std::int64_t search_bytes = std::int64_t{4} << 30;  // text compressed at most, to find a time of writing
};

struct RebuildTarget {
  const ListedSegment* listed = nullptr;
  bool dead_letter = false;
  RecordIdentity identity;                     // of the epoch of its commit
  std::vector<const ListedSegment*> siblings;  // the other objects of its commit
};

struct RebuiltObject {
  std::string bytes;    // exactly those that the ledger lists
  std::string sources;  // in words: "a copy", "2 blocks of what is left and 1 from the hub"
};

// kIndeterminate, saying why, where the sources do not give the object; nothing is written.
Result<RebuiltObject> rebuild_object(ObjectStore& store, const RebuildTarget& target,
                                     const RebuildSources& sources, std::stop_token stop);

}  // namespace changevault
