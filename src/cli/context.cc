#include "cli/context.h"

#include "archive/file_listing.h"
#include "cli/ledger_warning.h"
#include "service/archive_files.h"
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

}  // namespace

Result<Catalog> Context::catalog() {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Result<Catalog> found = known(read_catalog(*store, parts.layout()), *store);
  if (found) warn_of_damage(out, found->problems());
  return found;
}

Result<Context::FoundCatalog> Context::catalog_of(const Scope& scope) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Result<Catalog> found = read_catalog(*store, parts.layout());
  if (found) {
    warn_of_damage(out, found->problems());
    return FoundCatalog{std::move(found).value(), false};
  }
  if (found.error().code != ErrorCode::kNotFound) return found.error();
  CV_TRY(archived_files(*store, parts.layout(), scope));  // says so where there are none
  CV_ASSIGN(Catalog files, read_named_files(*store, parts.layout(), scope, stop));
  return FoundCatalog{std::move(files), true};
}

Result<HourCatalog> Context::hour_catalog() {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  return known(read_hour_catalog(*store, parts.layout()), *store);
}

bool Context::confirm(const std::string& question) {
  if (!out.terminal().in || !out.terminal().err) return false;
  ignore_error(out.flush(), "a lost question is answered by no");
  out.complain(question + " [y/N]");
  const auto answer = read_line();
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace changevault
