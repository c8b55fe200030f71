// Another program, asked for its output.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace changevault {

// Runs argv[0], found in PATH, without a shell and without input, and gives back what it wrote to stdout.
// kNotFound where there is no such program. kUnreachable where it failed (with the last line of what it wrote
// to stderr), wrote more than a mebibyte, or took longer than `deadline`: then it is killed.
Result<std::string> run_command(const std::vector<std::string>& argv, Duration deadline);

}  // namespace changevault
