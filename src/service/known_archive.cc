#include "service/known_archive.h"

#include <filesystem>

#include "codec/record_conditions.h"
#include "recovery/coverage_found.h"
#include "service/archive_files.h"
#include "service/read_catalog.h"

namespace changevault {
namespace {

std::filesystem::path memory_file(const Configuration& configuration) {
  return std::filesystem::path(configuration.verify.memory).parent_path() / "found.memory";
}

FoundMemory remembered(const std::filesystem::path& file, const std::string& archive,
                       const FileReading& reading) {
  auto read = read_found_memory(file);
  if (!read) {
    if (reading.on_trouble) reading.on_trouble(read.error());
    return FoundMemory(archive);
  }
  if (*read && (*read)->archive() == archive) return std::move(**read);
  return FoundMemory(archive);
}

}  // namespace

Result<FoundArchive> read_found_archive(Parts& parts, const Scope& scope, const FileReading& reading) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  const Configuration& configuration = parts.configuration();
  const std::filesystem::path file = memory_file(configuration);
  FoundMemory memory = remembered(
      file, FoundMemory::archive_name(store->url(), parts.layout().root(), configuration.source.id), reading);
  FoundOptions options;
  options.source_id = configuration.source.id;
  options.memory = &memory;
  options.now = parts.clock().now();
  options.stop = reading.stop;
  options.on_progress = reading.on_progress;
  Result<FoundArchive> found = FoundArchive::read(*store, parts.layout(), scope, options);
  if (memory.changed()) {
    const Result<void> kept = write_found_memory(memory, file);
    if (!kept && reading.on_trouble) reading.on_trouble(kept.error());
  }
  if (found || found.error().code != ErrorCode::kIndeterminate) return found;
  // Says whether there is any archive at all.
  CV_TRY(archived_files(*store, parts.layout(), scope));
  return found;
}

Error no_record_found(const Scope& scope) {
  return Error(ErrorCode::kIndeterminate,
               "the files hold no record of that scope, and there is no ledger to say that this is all",
               to_string(scope), "see what is there with: changevault ls");
}

Result<ArchivedFiles> files_with_records(Parts& parts, const Scope& scope, const FileReading& reading) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Result<ArchivedFiles> named = archived_files(*store, parts.layout(), scope, BlockIndex::kTake);
  const Scope chosen = for_choosing_files(scope);
  const bool any_time = chosen.time == TimeRange() && !chosen.hours_of_day;
  if (any_time || (named ? named->by_ledger : named.error().code != ErrorCode::kIndeterminate)) return named;
  if (!named) {
    CV_ASSIGN(const bool ledger, has_ledger(*store, parts.layout()));
    if (ledger) return named;
  }
  CV_ASSIGN(const FoundArchive found, read_found_archive(parts, chosen, reading));
  ArchivedFiles out;
  out.by_ledger = false;
  const Catalog catalog = found.catalog(parts.layout(), chosen);
  for (const ListedSegment& listed : catalog.segments()) out.files.push_back(file_of(listed));
  if (out.files.empty()) return no_record_found(scope);
  return out;
}

Result<KnownArchive> read_known_archive(Parts& parts, const Scope& scope, const FileReading& reading) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  KnownArchive known;
  Result<HourCatalog> by_ledger = read_hour_catalog(*store, parts.layout(), reading.on_slots);
  if (by_ledger) {
    known.by_ledger.emplace(std::move(by_ledger).value());
    return known;
  }
  if (by_ledger.error().code != ErrorCode::kNotFound) return by_ledger.error();
  CV_ASSIGN(known.by_reading, read_found_archive(parts, scope, reading));
  return known;
}

Result<RecoverableSegments> segments_to_recover(Parts& parts, KnownArchive& archive, const Coverage& gaps) {
  if (archive.by_ledger) return segments_to_recover(*archive.by_ledger, gaps);
  return segments_to_recover(*archive.by_reading, parts.layout(), gaps);
}

}  // namespace changevault
