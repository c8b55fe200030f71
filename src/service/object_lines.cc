#include "service/object_lines.h"

#include "base/hash.h"
#include "codec/segment_reader.h"
#include "store/object_source.h"

namespace changevault {

Result<void> for_each_line_of(ObjectStore& store, const SegmentRef& object, std::stop_token stop,
                              const std::function<Result<void>(std::string_view)>& each) {
  Hasher hasher(Hasher::Kind::kSha256);
  ObjectSource source(store, object.key, [&](std::string_view piece) { hasher.update(piece); });
  SegmentReader reader(source);
  while (true) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading", object.key);
    Result<std::string_view> text = reader.next();
    if (!text) {
      Error error = std::move(text).error();
      if (error.object.empty()) error.object = object.key;
      return error;
    }
    if (text->empty()) break;
    CV_TRY(for_each_line(*text, each));
  }
  if (object.sha256.empty() || hasher.finish_hex() == object.sha256) return {};
  return Error(ErrorCode::kCorrupt, "the object's sha256 is not what the ledger says", object.key,
               "'changevault verify' names all that is damaged");
}

}  // namespace changevault
