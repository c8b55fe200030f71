// Archived files to the local disk, byte for byte, each proven after it was written.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "service/archive_files.h"
#include "service/target_folder.h"
#include "store/object_store.h"

namespace changevault {

struct DownloadRequest {
  ArchivedFile file;
  std::string path;  // below the target folder
};

struct DownloadedFile {
  enum class Outcome { kWritten, kAlreadyThere, kFailed };
  std::string key;
  std::string path;  // for people
  Outcome outcome = Outcome::kFailed;
  std::int64_t records = 0;
  std::int64_t bytes = 0;
  const char* checked = "";    // by what: "sha256" of the ledger; without one "gzip and records", behind the
                               // store's MD5 where it keeps one
  std::optional<Error> error;  // why it failed
};
const char* name(DownloadedFile::Outcome outcome);  // "written", "already_there", "failed"

struct DownloadOptions {
  bool overwrite = false;  // a different file that stands there already is replaced
  int parallel = 4;  // files at once; memory grows with it and with `ranges_at_once`, and with nothing else
  int ranges_at_once = 1;  // of one file
  std::stop_token stop;
  // Bytes fetched so far, on the calling thread, now and then while it waits.
  std::function<void(std::int64_t)> on_progress;
};

// Carries out all requests; one that fails does not end the others. `each` is called for every one, in their
// order, on the calling thread. Each file is read back from the disk before it gets its name. An error only
// where we were stopped.
//
// A file that stands there already is kept where it is equal and refused (kAlreadyExists) where it differs.
// Errors of files: kCorrupt where the archive's bytes are not what the ledger says (or, without one, no
// readable records); what the store and the disk say.
Result<void> download(ObjectStore& store, Random& random, const TargetFolder& target,
                      const std::vector<DownloadRequest>& requests, const DownloadOptions& options,
                      const std::function<void(const DownloadedFile&)>& each);

}  // namespace changevault
