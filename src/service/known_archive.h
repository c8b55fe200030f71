// What is known of the archive, hour by hour: by its ledger, or, of one that other programs wrote, by reading
// its files.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "archive/found_archive.h"
#include "archive/hour_catalog.h"
#include "model/scope.h"
#include "recovery/plan.h"
#include "service/archive_files.h"
#include "service/parts.h"

namespace changevault {

struct FileReading {
  std::stop_token stop;
  std::function<void(const FoundProgress&)> on_progress;
  OnSlots on_slots;                              // of the ledger
  std::function<void(const Error&)> on_trouble;  // with the memory: it costs time, not truth
};

// Of an archive without a ledger. What was read is remembered in a file beside that of `verify`
// (`found.memory`), also where the reading ends in an error. Errors of FoundArchive::read; kIndeterminate
// where there is no file.
Result<FoundArchive> read_found_archive(Parts& parts, const Scope& scope, const FileReading& reading);

// kIndeterminate: of an archive without a ledger, that its files hold nothing of the scope proves nothing.
Error no_record_found(const Scope& scope);

// The files that hold the records of `scope`, with their blocks. Of an archive without a ledger a scope with
// a time has its files found by reading, as their folders may go by another clock than their records; where
// they hold none, that is no_record_found, and never a quiet scope.
Result<ArchivedFiles> files_with_records(Parts& parts, const Scope& scope, const FileReading& reading);

// One of the two.
struct KnownArchive {
  std::optional<HourCatalog> by_ledger;
  std::optional<FoundArchive> by_reading;
};
Result<KnownArchive> read_known_archive(Parts& parts, const Scope& scope, const FileReading& reading);

// What of it puts back the gaps; `gaps` was made from it.
Result<RecoverableSegments> segments_to_recover(Parts& parts, KnownArchive& archive, const Coverage& gaps);

}  // namespace changevault
