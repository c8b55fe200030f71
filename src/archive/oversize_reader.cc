#include "archive/oversize_reader.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace changevault {
namespace {

// A wrong byte may come from the way here: only what is wrong each time is wrong in the store.
constexpr int kReads = 3;

// Why the pointer leads nowhere, from what it says alone; empty where it may lead somewhere.
Refusal refusal_of(const OversizePointer& pointer) {
  if (pointer.key != KeyLayout::oversize_name(pointer.sha256)) {
    const bool elsewhere = !pointer.key.starts_with(KeyLayout("").oversize_prefix());
    return elsewhere ? "the pointer of an oversize event names a place outside of _oversize/: " + pointer.key
                     : "the pointer of an oversize event names another body than its sha256: " + pointer.key;
  }
  if (pointer.bytes > static_cast<std::int64_t>(kMostOversizeBytes))
    return fmt::format("the body of an oversize event is longer than {} MiB: {}", kMostOversizeBytes >> 20,
                       pointer.key);
  return {};
}

// Empty where the bytes are those of the pointer.
Refusal difference(const OversizePointer& pointer, const std::string& bytes) {
  const auto length = static_cast<std::int64_t>(bytes.size());
  if (length > pointer.bytes)
    return fmt::format("the body of an oversize event is longer than its {} bytes: {}", pointer.bytes,
                       pointer.key);
  if (length < pointer.bytes)
    return fmt::format("the body of an oversize event has {} bytes, not {}: {}", length, pointer.bytes,
                       pointer.key);
  if (sha256_hex(bytes) != pointer.sha256)
    return "the body of an oversize event has another sha256: " + pointer.key;
  return {};
}

}  // namespace

Result<std::optional<OversizeBody>> OversizeReader::read(std::string_view payload) const {
  const auto pointer = parse_oversize(payload);
  if (!pointer) return std::optional<OversizeBody>();
  if (Refusal refusal = refusal_of(*pointer); !refusal.empty())
    return std::optional<OversizeBody>(std::unexpected(std::move(refusal)));
  CV_ASSIGN(OversizeBody body, body_of(*pointer));
  return std::optional(std::move(body));
}

Result<OversizeBody> OversizeReader::body_of(const OversizePointer& pointer) const {
  const std::string key = layout_->oversize(pointer.sha256);
  Refusal refusal;
  for (int reads = 0; reads < kReads; ++reads) {
    // One byte more than there should be tells a longer one, and no more of it is held.
    Result<std::string> bytes = store_->get(key, ByteRange{0, pointer.bytes + 1});
    if (!bytes && bytes.error().code == ErrorCode::kNotFound) return not_there(pointer.key);
    CV_TRY(bytes);
    refusal = difference(pointer, *bytes);
    if (refusal.empty()) return OversizeBody(std::move(*bytes));
  }
  return OversizeBody(std::unexpected(std::move(refusal)));
}

// A store without any ledger is not the archive's (a folder that is not mounted): its absences mean nothing.
Result<OversizeBody> OversizeReader::not_there(const std::string& key) const {
  CV_ASSIGN(const bool is_archive, holds_ledger());
  if (is_archive)
    return OversizeBody(std::unexpected("the body of an oversize event is not in the store: " + key));
  return Error(ErrorCode::kCorrupt, "neither the body of an oversize event is there, nor any ledger: " + key,
               layout_->ledger_prefix(), "is this the archive's store, and mounted? nothing was written");
}

Result<bool> OversizeReader::holds_ledger() const {
  std::string continuation;
  do {
    CV_ASSIGN(ListPage page, store_->list(layout_->ledger_prefix(), std::nullopt, continuation, 1));
    if (!page.objects.empty()) return true;
    continuation = std::move(page.next);
  } while (!continuation.empty());
  return false;
}

}  // namespace changevault
