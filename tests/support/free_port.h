// TCP ports of loopback that nobody listens on.
#pragma once

#include <vector>

namespace changevault::testing {

// All different, and below those that the system hands to clients: a server that is killed and started again
// finds its port free, and no client that tries it meanwhile is connected to itself. Throws
// std::runtime_error.
std::vector<int> free_ports(int count);

}  // namespace changevault::testing
