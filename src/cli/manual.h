// The manual page changevault(1).
#pragma once

#include <string>

namespace changevault {

// In man(7) roff, of the same tables as --help. docs/changevault.1 is this text.
std::string manual_page();

}  // namespace changevault
