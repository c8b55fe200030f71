// What differs from run to run in the program's output, and from machine to machine, made alike.
#pragma once

#include <string>

namespace changevault::testing {

// A line without the times of this run, ids, checksums, ages, durations, rates and compressed sizes; runs of
// spaces are one.
std::string masked(const std::string& line);

}  // namespace changevault::testing
