#include "service/read_catalog.h"

namespace changevault {

Result<Catalog> read_catalog(ObjectStore& store, const KeyLayout& layout) {
  Result<Catalog> catalog = Catalog::read(store, layout);
  if (catalog || catalog.error().code != ErrorCode::kNotFound) return catalog;
  const Result<ObjectInfo> first = store.head(layout.seal_chain() + KeyLayout::slot_name(Slot(0)));
  if (!first && first.error().code == ErrorCode::kNotFound) return catalog;
  if (!first) return first.error();
  return Error(ErrorCode::kCorrupt, "the ledger is not whole: " + catalog.error().message,
               catalog.error().object,
               "the ledger must never be deleted or moved: check life-cycle rules, mounts and the configured "
               "store; see what is damaged with: changevault verify");
}

}  // namespace changevault
