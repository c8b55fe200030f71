#include "cli/context.h"

#include "service/read_catalog.h"

namespace changevault {

Result<Catalog> Context::catalog() {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Result<Catalog> found = read_catalog(*store, parts.layout());
  if (!found.has_value() && found.error().code == ErrorCode::kNotFound) {
    return Error(
        ErrorCode::kIndeterminate, "there is no archive yet", store->url(),
        "make one with: changevault init (or correct store.url and store.root in the configuration)");
  }
  return found;
}

bool Context::confirm(const std::string& question) {
  if (!out.terminal().in || !out.terminal().err) return false;
  ignore_error(out.flush(), "a lost question is answered by no");
  out.complain(question + " [y/N]");
  const auto answer = read_line();
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace changevault
