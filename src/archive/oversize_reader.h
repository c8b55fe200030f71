// Events that were too large for the hub, taken back from the store (docs/formats/oversize.md).
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/oversize_pointer.h"
#include "codec/record_builder.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// Every byte as it was published, or why there will never be one: then the pointer is a dead letter.
using OversizeBody = std::expected<std::string, Refusal>;

// Thread-safe. What it is made of outlives it.
class OversizeReader {
 public:
  OversizeReader(ObjectStore& store, const KeyLayout& layout) : store_(&store), layout_(&layout) {}

  // The event that `payload` stands for; nullopt where it is no pointer, and so the event itself. A body that
  // is a pointer in turn is the event. Holds at most kMostOversizeBytes. Errors: what the store says, also of
  // a body (kCorrupt) where the archive's own ledger is not there either: that is not the archive's store.
  Result<std::optional<OversizeBody>> read(std::string_view payload) const;

 private:
  Result<OversizeBody> body_of(const OversizePointer& pointer) const;
  Result<OversizeBody> not_there(const std::string& key) const;
  Result<bool> holds_ledger() const;

  ObjectStore* store_;
  const KeyLayout* layout_;
};

}  // namespace changevault
