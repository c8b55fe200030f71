// Files of change events, one JSON object a line, into the hub.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/oversize_producer.h"
#include "base/clock.h"
#include "base/result.h"
#include "hub/hub.h"

namespace changevault {

struct PublishOptions {
  // Import with the events' own times (their clusterTime), the files merged by time; only into hubs that can.
  bool time_from_cluster_time = false;
  // Accept times that go back by more than 60 s against the hub.
  bool allow_late = false;
  std::size_t batch_events = 1000;
  std::size_t batch_bytes = std::size_t{8} << 20;
  // For events that the hub does not take; without a store they are an error.
  OversizePlace oversize = {};
};

struct PublishTotals {
  std::int64_t events = 0;
  std::int64_t bytes = 0;         // payloads, whole ones
  std::int64_t oversize = 0;      // of the events, those whose bodies went into the store
  std::int64_t empty_lines = 0;   // skipped
  std::int64_t late = 0;          // times that went back by more than 60 s, accepted by allow_late
  std::int64_t without_time = 0;  // took the time of the event before
};

// Sends each line as it is, without its line end (LF or CRLF) and without a byte order mark at the start of a
// file; gzip is detected by its first bytes. "-" is standard input. Never judges a line. Errors: kNotFound
// (no such file), kUsage (import into a hub that cannot, a late time without allow_late), kCorrupt (a gzip
// file that is cut or damaged: what came before it was sent), what the hub says; where an event that the hub
// does not take cannot be put aside, the error names its line, and all before it was sent. `progress` is
// called now and then.
Result<PublishTotals> publish_files(Hub& hub, const std::vector<std::string>& paths,
                                    const PublishOptions& options, Clock& clock,
                                    const std::function<void(const PublishTotals&)>& progress,
                                    std::stop_token stop);

}  // namespace changevault
