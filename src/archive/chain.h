// The one primitive of the ledger: a folder of dense, numbered, create-only slots.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/ids.h"
#include "store/object_store.h"

namespace changevault {

struct StoredSlot {
  Slot slot{};
  std::string bytes;
  std::string sha256;  // hex, of `bytes`
};

// Not thread-safe; `store` outlives it.
class Chain {
 public:
  // `folder` ends with '/'.
  Chain(ObjectStore& store, std::string folder);

  const std::string& folder() const { return folder_; }
  std::string key(Slot slot) const;

  // The next free slot, found by galloping and bisecting on existence: O(log n) requests, no listing.
  // kCorrupt when slots were taken away under us: slot 0 absent but the folder not empty; the end below
  // `at_least` (what another chain says must exist); something at end+1, +2, +4 or +8.
  Result<Slot> find_end(Slot at_least = Slot(0));

  // kNotFound where there is none.
  Result<StoredSlot> read(Slot slot);

  enum class CreateOutcome {
    kCreated,  // ours: written now, or by an earlier attempt whose answer was lost
    kTaken,    // somebody else's slot stands there
  };
  // `bytes` carry a nonce of their writer, so that equal bytes are our own. On an error the slot may or may
  // not have been written: call again with the same bytes before anything else is written to this chain.
  Result<CreateOutcome> create(Slot slot, const std::string& bytes);

  // Slots from..end-1 in order.
  Result<void> for_each(Slot from, Slot end, const std::function<Result<void>(const StoredSlot&)>& each);

 private:
  Result<bool> exists(Slot slot);
  Result<void> check_nothing_behind(Slot end);
  ObjectStore& store_;
  std::string folder_;
};

// `previous` of slot 0.
inline constexpr const char* kNoPrevious = "0000000000000000000000000000000000000000000000000000000000000000";

}  // namespace changevault
