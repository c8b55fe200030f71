// Tries every configured part: reach, rights, create-if-absent, clocks, room, columns, lag. For `check`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "service/parts.h"

namespace changevault {

struct CheckFinding {
  std::string part;            // "hub", "store", …
  std::string what;            // what was tried, and what was found
  std::optional<Error> error;  // what is wrong
  bool warning = false;        // `error` is none yet: everything works, for now
};

// One finding for each thing tried, in the order of the data path; one error is said once. Leaves nothing
// behind in any part.
std::vector<CheckFinding> check_parts(Parts& parts);

}  // namespace changevault
