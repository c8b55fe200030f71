// The hub against the archive, for people and programs.
#pragma once

#include "base/result.h"
#include "cli/output.h"
#include "recovery/hub_coverage.h"

namespace changevault {

// A row for each partition, and what to do about it. Partitions without anything to say are folded where
// there are many, unless `all`.
void print_hub_coverage(Output& out, const HubCoverage& hub, bool all);

// As in the JSON of gaps; a hub that could not be asked is {"url":…,"error":{…}}.
Json hub_json(const Result<HubCoverage>& hub, const std::string& url);

}  // namespace changevault
