#include "cli/context.h"

#include "cli/ledger_warning.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "service/read_catalog.h"

namespace changevault {

namespace {

// An archive that does not exist is said as such.
template <typename Kind>
Result<Kind> known(Result<Kind> found, const ObjectStore& store) {
  if (found.has_value() || found.error().code != ErrorCode::kNotFound) return found;
  return Error(ErrorCode::kIndeterminate, "there is no archive yet", store.url(),
               "make one with: changevault init (or correct store.url and store.root in the configuration)");
}

OnSlots slots_with(const Context& context, Progress& progress) {
  return [&](std::int64_t slots) -> Result<void> {
    if (context.stop.stop_requested())
      return Error(ErrorCode::kCancelled, "stopped while reading the ledger");
    progress.show([&] { return "reading the ledger: " + progress.rate(slots, "slot"); });
    return {};
  };
}

FileReading reading_with(Context& context, Progress& progress) {
  FileReading reading;
  reading.stop = context.stop;
  reading.on_slots = slots_with(context, progress);
  reading.on_progress = [&progress](const FoundProgress& p) {
    progress.show([&] {
      return "reading: " + with_thousands(p.files_done) + " of " + counted(p.files_all, "file") + ", " +
             human_bytes(p.bytes_done) + progress.remaining(p.bytes_done, p.bytes_all);
    });
  };
  reading.on_trouble = [&context](const Error& error) {
    context.out.note("note: what was read is not remembered; " + error.to_string());
  };
  return reading;
}

Error damaged_file(const FoundFile& file) {
  return Error(ErrorCode::kCorrupt, "a file of the scope is damaged: " + file.problem, file.key,
               "put it right or take it away, or name a scope without it");
}

}  // namespace

Result<Catalog> Context::catalog() {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Progress progress(out, parts.clock());
  Result<Catalog> found = known(read_catalog(*store, parts.layout(), slots_with(*this, progress)), *store);
  if (found) warn_of_damage(out, found->problems());
  return found;
}

Result<Context::FoundCatalog> Context::catalog_of(const Scope& scope) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Progress progress(out, parts.clock());
  Result<Catalog> found = read_catalog_of(*store, parts.layout(), scope, slots_with(*this, progress));
  if (found) {
    warn_of_damage(out, found->problems());
    return FoundCatalog{std::move(found).value(), false};
  }
  if (found.error().code != ErrorCode::kNotFound) return found.error();
  CV_ASSIGN(const FoundArchive files, read_found_archive(parts, scope, reading_with(*this, progress)));
  for (const FoundFile& file : files.files()) {
    if (!file.is_whole() && may_hold(file, parts.layout(), scope)) return damaged_file(file);
  }
  return FoundCatalog{files.catalog(parts.layout(), scope), true};
}

Result<KnownArchive> Context::known_archive(const Scope& scope) {
  Progress progress(out, parts.clock());
  return read_known_archive(parts, scope, reading_with(*this, progress));
}

Result<ArchivedFiles> Context::files_to_read(const Scope& scope, const ReadingOptions& reading) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  if (reading.limit) return archived_files(*store, parts.layout(), scope, BlockIndex::kTake);
  Progress progress(out, parts.clock());
  return files_with_records(parts, scope, reading_with(*this, progress));
}

bool Context::confirm(const std::string& question) {
  if (!out.terminal().in || !out.terminal().err) return false;
  ignore_error(out.flush(), "a lost question is answered by no");
  out.complain(question + " [y/N]");
  const auto answer = read_line();
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace changevault
