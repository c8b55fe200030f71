// `audit --event`: where one event went.
#pragma once

#include <string>

#include "cli/context.h"
#include "model/scope.h"

namespace changevault {

// The exit code. `scope` narrows the search in the archive.
Result<int> audit_event(Context& context, const std::string& event_id, const Scope& scope);

}  // namespace changevault
