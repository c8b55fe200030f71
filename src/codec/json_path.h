// A value inside a JSON value, by the names that lead to it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json_reader.h"

namespace changevault {

// "a.0.b" as its parts; an empty part where two dots meet, or one stands at an end.
std::vector<std::string> split_path(std::string_view path, char separator = '.');

enum class PathOutcome : std::uint8_t {
  kFound,
  kAbsent,  // everything that the path leads through was read to its end
  kBroken,  // no JSON that the reader follows
};

// Finds the value at `path` below the value that stands next in the reader; `value` is its text. A part is a
// field's name (the first of that name), in an array a number. Where the reader stands afterwards is not
// said: rewind it. `scratch` is overwritten.
PathOutcome find_at(JsonReader& reader, std::span<const std::string> path, std::string_view& value,
                    std::string& scratch);

}  // namespace changevault
