// What archive, load and run say about themselves.
#pragma once

#include <string>

#include "archive/archiver.h"
#include "codec/json_fwd.h"
#include "load/loader.h"

namespace changevault {

std::string describe(const ArchiveTotals& totals);
std::string describe(const LoadTotals& totals);
Json to_json(const ArchiveTotals& totals);
Json to_json(const LoadTotals& totals);

// Between two lines of a daemon that writes to no terminal.
inline constexpr Duration kDaemonLogInterval = seconds(30);

}  // namespace changevault
