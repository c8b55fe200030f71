// The one rule about scopes in which nothing is found: a sealed quiet hour is a success, a scope about which
// nothing is known never is.
#pragma once

#include <string>
#include <vector>

#include "archive/catalog.h"
#include "base/result.h"
#include "model/scope.h"

namespace changevault {

struct ScopeFinding {
  std::vector<const ListedSegment*>
      segments;  // that may hold records of the scope; live as long as the catalog
  bool quiet() const {
    return segments.empty();
  }  // proven: every hour of the scope is sealed, and held nothing
};

// kIndeterminate, in words and with a hint, where no segment is listed and that proves nothing: an empty
// archive, an unknown collection, a pattern that no file matches, hours before the archive begins, hours not
// sealed yet, lost ranges.
Result<ScopeFinding> find_scope(const Catalog& catalog, const Scope& scope);

// For an error about a scope: where none of `known` is of it, the name that was probably meant as its hint.
Error with_near_name(Error error, const Scope& scope, const std::vector<Namespace>& known);

}  // namespace changevault
