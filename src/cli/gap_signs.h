// How a state of a cell looks on a terminal.
#pragma once

#include <string>
#include <string_view>

#include "cli/output.h"
#include "recovery/gap_state.h"

namespace changevault {

char letter(GapState state);
const char* meaning(GapState state);  // for a legend
std::string painted(const Output& out, GapState state, std::string_view text);

}  // namespace changevault
