// Segments on their way into the store, several at once: a durable write is mostly waiting.
#pragma once

#include <string>
#include <vector>

#include "archive/archive_parts.h"
#include "base/result.h"
#include "codec/segment_writer.h"

namespace changevault {

struct Upload {
  std::string key;
  const FinishedSegment* finished = nullptr;  // outlives the upload
};

// Creates every object, each tried again by the context's policy, on up to options.upload_threads threads (1:
// on the caller's). An object of that name with the same bytes is our own earlier attempt; with other bytes
// it is kCorrupt. On an error, the first, some objects may be there: leftovers until the same upload
// succeeds.
Result<void> upload_all(ArchiveContext& context, const std::vector<Upload>& uploads);

}  // namespace changevault
