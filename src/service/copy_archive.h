// An archive with its ledger from one store to another: how one that began on a laptop goes on in a cloud.
//
// The ledger comes last and its first seal last of all, so at no instant is there something at the
// destination that looks like an archive and is not whole. Objects are created, never overwritten; what is
// there already and equal is left, so a copy that was interrupted is run again, and one of an archive that
// grew brings only what is new. The source may be written to meanwhile: what is copied is the state of its
// ledger at the beginning.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

struct CopyOptions {
  std::int64_t memory = std::int64_t{256} << 20;  // bytes of objects held at once; a larger object goes alone
  std::stop_token stop;
  // Objects and bytes done so far; any thread, one at a time.
  std::function<void(std::int64_t objects, std::int64_t bytes)> on_progress;
};

struct CopyProblem {
  std::string key;
  Error error;
};

struct CopyReport {
  std::int64_t copied = 0;            // objects
  std::int64_t already_there = 0;     // equal ones
  std::int64_t bytes = 0;             // of the copied
  std::int64_t proven = 0;            // objects whose bytes are those that the ledger says
  bool by_ledger = true;              // false: the source has none; its files were copied as they are
  bool complete = false;              // the ledger was copied, too
  std::vector<CopyProblem> problems;  // damaged or missing at the source, or other bytes at the destination
};

// Copies everything below the layout's root. Where there are problems the ledger is not copied. Errors:
// kCorrupt where the source's ledger is damaged; kFenced where the destination holds another archive, or this
// one gone on by itself; what the stores say; kCancelled.
Result<CopyReport> copy_archive(ObjectStore& from, ObjectStore& to, const KeyLayout& layout,
                                const CopyOptions& options);

}  // namespace changevault
