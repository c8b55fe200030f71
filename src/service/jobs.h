// From the configuration to the options of the long-running jobs, in one place for all verbs.
#pragma once

#include <string>

#include "archive/archiver.h"
#include "load/loader.h"
#include "service/parts.h"

namespace changevault {

ArchiverOptions archiver_options(const Configuration& configuration, const std::string& owner);
LoaderOptions loader_options(const Configuration& configuration);

// Opens hub and store (with `mode`) for the archiver.
Result<Archiver::Parts> archiver_parts(Parts& parts, OpenMode mode = OpenMode::kOpen);

}  // namespace changevault
