// A file of records that people made or worked on: JSON lines, plain or gzip, outside of any archive.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <utility>

#include "base/result.h"
#include "recovery/scan.h"
#include "store/object_store.h"

namespace changevault {

struct RecordFile {
  std::string key;  // of the store, or of a local file (store/store_with_files.h)
  std::string sha256;
  std::int64_t bytes = 0;
  std::int64_t records = 0;
  std::int64_t gzip_members = 0;  // 0: plain
  ScanFacts scan;                 // of the records in scope, as is what follows
  std::map<std::pair<Hour, Namespace>, std::int64_t> cells;

  // As warehouses and feeds name it.
  SegmentRef reference() const { return {key, sha256, {}, {}, records}; }
};

// Reads the file once and proves every line: JSON to the last byte, with the fields that a record must have
// (event_id, enqueued_time, operation_type, raw_event). What one lacks and its event tells is filled in, with
// `source_id` (codec/record_completer.h): an archive of another program may lack it, too. kValidation naming
// the first line that is not such a record, or a file without any; kNotFound; what the store says;
// kCancelled.
Result<RecordFile> inspect_record_file(ObjectStore& store, const std::string& key, const Scope& scope,
                                       const std::string& source_id, std::stop_token stop);

}  // namespace changevault
