// How many records a reading gave, and how many there should have been.
#pragma once

#include <cstdint>
#include <string>

#include "codec/json_fwd.h"
#include "service/read_tally.h"

namespace changevault {

// "1,928 read, the ledger lists 1,928". `by_ledger`: of ArchivedFiles.
std::string describe_reading(const ReadTally& tally, bool by_ledger);

// Adds "read", and "expected": null where nothing says how many there should be.
void add_reading(Json& json, const ReadTally& tally, bool by_ledger);

}  // namespace changevault
