// Canonical Extended JSON numbers as plain numbers, for the analytic columns.
#pragma once

#include <string>
#include <string_view>

namespace changevault {

// Appends `slice` (a valid JSON value, no white space around it) with every {"$numberInt":"5"},
// {"$numberLong":"5"} and {"$numberDouble":"5"} below its root replaced by the text inside, where that text
// is a JSON number; any other wrapper (NaN, Infinity) stays as it is, and so does every other byte. Digits
// are copied, never converted.
void append_unwrapped(std::string& out, std::string_view slice);

}  // namespace changevault
