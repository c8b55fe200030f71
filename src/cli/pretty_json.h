// JSON over several lines, for reading.
#pragma once

#include <string>
#include <string_view>

namespace changevault {

// Valid JSON with line ends and two blanks per level. Only white space between tokens changes: numbers keep
// every digit, strings every escape. What is no JSON comes out in some form, never cut short.
std::string pretty_json(std::string_view json);

}  // namespace changevault
