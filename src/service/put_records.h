// A file of records that somebody worked on, into the store beside the archive.
#pragma once

#include <stop_token>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "recovery/record_file.h"
#include "store/object_store.h"

namespace changevault {

struct PutReport {
  RecordFile file;  // as it stands in the store, by `key`
  std::string key;
  bool stood_already = false;  // with these bytes; nothing was written
};

// Proves the local file (recovery/record_file.h), creates the object and reads it back. A kill leaves nothing
// or the whole object; run again, equal bytes are done. `key` is one that check_key_beside takes; `source_id`
// as there.
//
// Errors: kValidation for what is no file of records, for a name that says gzip where the bytes do not (or
// the other way round), and for a file that somebody changes meanwhile; kAlreadyExists where other bytes
// stand there; kCorrupt where the store gives back others than it was given; what disk and store say.
Result<PutReport> put_records(ObjectStore& store, const std::string& path, const std::string& key,
                              const std::string& source_id, Random& random, std::stop_token stop);

}  // namespace changevault
