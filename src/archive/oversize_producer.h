// Events larger than the hub takes, by claim-check: the body into the archive's store, a pointer into the hub
// (docs/formats/oversize.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/oversize_pointer.h"
#include "hub/hub.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// Where bodies go: the store and root of the archive that the hub's events are archived into.
struct OversizePlace {
  const KeyLayout* layout = nullptr;
  std::function<Result<ObjectStore*>()> store;  // asked when a body is put aside; empty: there is none
};

// Puts the body of each message that `inner` does not take into the store, and only then appends a pointer in
// its place, under the key of the whole event: its document stays in its partition. A body without a pointer
// (killed in between) is harmless: nothing leads to it, and the same event finds it again. One thread.
// References of `place` outlive it.
class OversizeProducer final : public Producer {
 public:
  OversizeProducer(std::unique_ptr<Producer> inner, OversizePlace place)
      : inner_(std::move(inner)), place_(std::move(place)) {}

  // As Producer says. All bodies stand in the store before the first message is appended: where one cannot be
  // put there, nothing of this call is in the hub. Errors besides: kUsage for a message above
  // largest_payload() or where there is no store, kCorrupt where other bytes stand under a body's name, what
  // opening the store and the store say.
  Result<void> append(std::vector<Message> messages) override;
  std::size_t largest_payload() const override { return kMostOversizeBytes; }

  // What the hub takes whole.
  std::size_t largest_whole() const { return inner_->largest_payload(); }
  // Messages accepted as pointers so far.
  std::int64_t oversize() const { return oversize_; }

 private:
  Result<std::string> put_aside(const std::string& payload);

  std::unique_ptr<Producer> inner_;
  OversizePlace place_;
  std::int64_t oversize_ = 0;
};

}  // namespace changevault
