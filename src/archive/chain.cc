#include "archive/chain.h"

#include <utility>

#include "base/hash.h"
#include "store/key_layout.h"

namespace changevault {
namespace {

constexpr const char* kTakenHint =
    "the ledger must never be deleted or moved: check life-cycle rules, mounts and the configured store; "
    "nothing was written";

}  // namespace

Chain::Chain(ObjectStore& store, std::string folder) : store_(store), folder_(std::move(folder)) {}

std::string Chain::key(Slot slot) const {
  return folder_ + KeyLayout::slot_name(slot);
}

Result<bool> Chain::exists(Slot slot) {
  const auto info = store_.head(key(slot));
  if (info) return true;
  if (info.error().code == ErrorCode::kNotFound) return false;
  return info.error();
}

Result<Slot> Chain::find_end(Slot at_least) {
  CV_ASSIGN(const bool begun, exists(Slot(0)));
  if (!begun) {
    CV_ASSIGN(const ListPage page, store_.list(folder_, std::nullopt, {}, 1));
    if (page.objects.empty() && at_least == Slot(0)) return Slot(0);
    // A writer that came between the two questions has begun the chain: then nothing is gone.
    CV_ASSIGN(const bool begun_meanwhile, exists(Slot(0)));
    if (!begun_meanwhile) {
      return Error(ErrorCode::kCorrupt, "the first ledger slot is gone, later ones exist", key(Slot(0)),
                   kTakenHint);
    }
  }
  // Gallop from what is known to exist to the first that does not, then bisect between them.
  Slot present = at_least > Slot(0) ? at_least.previous() : Slot(0);
  CV_ASSIGN(const bool promised, exists(present));
  if (!promised) {
    return Error(ErrorCode::kCorrupt, "a ledger slot that a seal names is gone", key(present), kTakenHint);
  }
  Slot absent = present.next();
  for (std::int64_t step = 1;; step *= 2) {
    CV_ASSIGN(const bool there, exists(absent));
    if (!there) break;
    present = absent;
    absent = absent.next(step);
  }
  while (absent.value - present.value > 1) {
    const Slot middle(present.value + (absent.value - present.value) / 2);
    CV_ASSIGN(const bool there, exists(middle));
    (there ? present : absent) = middle;
  }
  CV_TRY(check_nothing_behind(absent));
  return absent;
}

Result<void> Chain::check_nothing_behind(Slot end) {
  for (const std::int64_t distance : {1, 2, 4, 8}) {
    CV_ASSIGN(const bool there, exists(end.next(distance)));
    if (!there) continue;
    // A writer that is quicker than we are fills `end` before it writes behind it: then there is no hole.
    CV_ASSIGN(const bool filled, exists(end));
    if (!filled)
      return Error(ErrorCode::kCorrupt, "a ledger slot is gone, later ones exist", key(end), kTakenHint);
  }
  return {};
}

Result<StoredSlot> Chain::read(Slot slot) {
  CV_ASSIGN(std::string bytes, store_.get(key(slot)));
  StoredSlot stored{slot, std::move(bytes), {}};
  stored.sha256 = sha256_hex(stored.bytes);
  return stored;
}

Result<Chain::CreateOutcome> Chain::create(Slot slot, const std::string& bytes) {
  const auto put =
      store_.put_if_absent(key(slot), bytes, {.content_type = "application/json", .md5_hex = {}});
  if (put && *put == PutOutcome::kCreated) return CreateOutcome::kCreated;
  // It stands there, or the answer was lost and it may: only the slot itself can tell whose it is.
  const auto standing = read(slot);
  if (standing) return standing->bytes == bytes ? CreateOutcome::kCreated : CreateOutcome::kTaken;
  return put ? standing.error() : put.error();
}

Result<void> Chain::for_each(Slot from, Slot end,
                             const std::function<Result<void>(const StoredSlot&)>& each) {
  for (Slot slot = from; slot < end; slot = slot.next()) {
    CV_ASSIGN(const StoredSlot stored, read(slot));
    CV_TRY(each(stored));
  }
  return {};
}

}  // namespace changevault
