// Who is writing to the embedded hub, for people who wait.
#pragma once

#include <string>

namespace changevault {

// "process 1234 (changevault)", by the kernel's table of locks; "another process" where it does not tell
// (another container, another system). Touches no file of the hub: closing one would drop SQLite's own locks.
std::string holder_of(const std::string& hub_path);

}  // namespace changevault
