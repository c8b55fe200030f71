// What the classes of the archiver share: the outside, and the numbers that go up.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

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
  BlockWorker& worker;
  ArchiveTotals& totals;
  RetryPolicy retry;
  std::stop_token stop;
  std::function<void(const std::string&)> tell;  // what a person should know meanwhile; never empty
  // One object of each partition that has any, listed once for all partitions that are claimed together.
  std::optional<std::map<PartitionId, std::string>> uploaded = {};
};

}  // namespace changevault
