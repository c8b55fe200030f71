// What a file of another program holds, found by reading it: no ledger says anything about it.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/cell_count.h"
#include "base/result.h"
#include "base/time.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

struct FoundFile {
  std::string key;
  std::int64_t bytes = 0;
  std::string etag;  // of the store, taken before it was read; empty: it changed meanwhile
  Timestamp modified{};
  std::string sha256;
  std::string md5;
  std::int64_t records = 0;
  std::int64_t text_bytes = 0;
  std::int64_t distinct = 0;  // different event_ids
  Timestamp min_time{};       // enqueued
  Timestamp max_time{};
  std::int64_t made_ids = 0;     // records without an event_id that got the one of their event
  std::vector<CellCount> cells;  // by hour, then namespace, as the records tell them: not as the folder does
  // What is wrong with it, and where; empty: nothing. The counts are those of the records that could be read:
  // the file holds them at the least.
  std::string problem;
  std::int64_t bad_records = 0;
  bool operator==(const FoundFile&) const = default;

  bool is_whole() const { return problem.empty(); }
};

struct FoundReading {
  std::string source_id;  // of the configuration: for records without an event_id
  std::stop_token stop;
  std::function<void(std::int64_t)> on_bytes;  // read since the last call; any thread
};

// Reads the object whole, once, and proves what can be proven of it: gzip checksums, and that every line is a
// record of valid JSON. `object`: what the store's listing says of it. Damage is a value; an error is what
// the store says otherwise, or kCancelled.
Result<FoundFile> read_found_file(ObjectStore& store, const ObjectInfo& object, const FoundReading& reading);

}  // namespace changevault
