#include "archive/oversize_producer.h"

#include <utility>

#include <fmt/format.h>

#include "base/hash.h"

namespace changevault {
namespace {

Result<void> put_body(ObjectStore& store, const std::string& key, const std::string& bytes,
                      const std::string& sha256) {
  CV_ASSIGN(const PutOutcome outcome,
            store.put_if_absent(key, bytes, {.content_type = "application/json", .sha256_hex = sha256}));
  if (outcome == PutOutcome::kCreated) return {};
  CV_ASSIGN(const std::string standing, store.get(key));
  if (standing == bytes) return {};  // our own earlier attempt, or the same event twice
  return Error(ErrorCode::kCorrupt, "the body of an oversize event stands there already, with other bytes",
               key, "it is damaged; nothing was overwritten. Move it away, then run the command again");
}

}  // namespace

Result<void> OversizeProducer::append(std::vector<Message> messages) {
  std::int64_t pointers = 0;
  for (Message& message : messages) {
    if (message.payload.size() <= inner_->largest_payload()) continue;
    CV_ASSIGN(message.payload, put_aside(message.payload));
    ++pointers;
  }
  CV_TRY(inner_->append(std::move(messages)));
  oversize_ += pointers;
  return {};
}

Result<std::string> OversizeProducer::put_aside(const std::string& payload) {
  if (payload.size() > kMostOversizeBytes) {
    return Error(ErrorCode::kUsage,
                 fmt::format("an event of {} bytes is larger than the {} MiB that are put aside for the hub",
                             payload.size(), kMostOversizeBytes >> 20),
                 {}, "raise the largest message that the hub takes, or use the embedded hub (sqlite:)");
  }
  if (!place_.store)
    return Error(ErrorCode::kUsage, "there is no store to put its body aside", {},
                 "raise the largest message that the hub takes");
  CV_ASSIGN(ObjectStore* const store, place_.store());
  const std::string sha256 = sha256_hex(payload);
  CV_TRY(put_body(*store, place_.layout->oversize(sha256), payload, sha256));
  return encode_oversize(
      {KeyLayout::oversize_name(sha256), static_cast<std::int64_t>(payload.size()), sha256});
}

}  // namespace changevault
