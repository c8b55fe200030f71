// `recover --from-files`: files that people worked on, from this machine or from the store.
#pragma once

#include <string>
#include <vector>

#include "cli/recovery_steps.h"

namespace changevault {

struct FilesWanted {
  std::vector<std::string> names;  // local paths; or keys of the store, or what they begin with
  bool accept_changed = false;
};

// Plans and decides. The exit code.
Result<int> recover_files(Context& context, const Scope& scope, const FilesWanted& wanted,
                          const RecoverFlags& flags);

}  // namespace changevault
