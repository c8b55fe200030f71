#include "service/read_catalog.h"

#include "archive/window_listing.h"

namespace changevault {

namespace {

template <typename Kind>
Result<Kind> read(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots) {
  Result<Kind> catalog = Kind::read(store, layout, on_slots);
  if (catalog || catalog.error().code != ErrorCode::kNotFound) return catalog;
  const Result<ObjectInfo> first = store.head(layout.seal_chain() + KeyLayout::slot_name(Slot(0)));
  if (!first && first.error().code == ErrorCode::kNotFound) return catalog;
  if (!first) return first.error();
  return Error(ErrorCode::kCorrupt, "the ledger is not whole: " + catalog.error().message,
               catalog.error().object,
               "the ledger must never be deleted or moved: check life-cycle rules, mounts and the configured "
               "store; see what is damaged with: changevault verify");
}

}  // namespace

Result<Catalog> read_catalog(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots) {
  return read<Catalog>(store, layout, on_slots);
}

Result<bool> has_ledger(ObjectStore& store, const KeyLayout& layout) {
  const Result<ObjectInfo> first = store.head(layout.seal_chain() + KeyLayout::slot_name(Slot(0)));
  if (first) return true;
  if (first.error().code != ErrorCode::kNotFound) return first.error();
  // Adopted files, or the rest of a ledger without its beginning.
  const Result<HourCatalog> read = read_hour_catalog(store, layout);
  if (!read && read.error().code != ErrorCode::kNotFound) return read.error();
  return read.has_value();
}

Result<Catalog> read_catalog_of(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                const OnSlots& on_slots) {
  CV_ASSIGN(auto window, list_window(store, layout, scope));
  if (window) return Catalog::of_files(*std::move(window));
  return read_catalog(store, layout, on_slots);
}

Result<HourCatalog> read_hour_catalog(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots) {
  return read<HourCatalog>(store, layout, on_slots);
}

}  // namespace changevault
