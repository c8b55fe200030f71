// Names for completion, out of the configured archive.
#pragma once

#include <string>
#include <vector>

#include "cli/program.h"

namespace changevault {

// Carries out `changevault __complete WORD…`: what the words behind it could go on with, for a shell's
// script. Never fails and says nothing else: who presses Tab wants no error.
void print_completions(const std::vector<std::string>& words, const Outside& outside, Output& out);

}  // namespace changevault
