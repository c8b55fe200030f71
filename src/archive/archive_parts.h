// What the classes of the archiver share: the outside, and the numbers that go up.
#pragma once

#include <stop_token>

#include "archive/archiver.h"
#include "base/retry.h"
#include "codec/record_builder.h"
#include "codec/segment_writer.h"

namespace changevault {

struct ArchiveContext {
  const Archiver::Parts& parts;
  const ArchiverOptions& options;
  RecordIdentity identity;
  RecordBuilder& builder;
  BlockCompressor& compressor;
  ArchiveTotals& totals;
  RetryPolicy retry;
  std::stop_token stop;
};

}  // namespace changevault
