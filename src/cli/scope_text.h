// A scope as the words of a command line that means it.
#pragma once

#include <string>

#include "model/scope.h"

namespace changevault {

// " inventory_db products --date 2025-01-15", with a blank in front; empty for everything. Quoted for a
// shell.
std::string command_words(const Scope& scope);

// One word as a shell takes it, quoted where it must be: in '…', and where it holds what steers a terminal in
// $'…', so that the command can be shown and copied (bash, zsh, ksh).
std::string quoted_word(const std::string& text);

}  // namespace changevault
