// "Did you mean …": the nearest of some known words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace changevault {

// Insertions, deletions, changes and swaps of neighbours that lead from `a` to `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`, where it is near enough to be what was meant; else empty. The first of equals.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

// For a name that no field of a record has.
std::string record_field_hint(std::string_view word);

}  // namespace changevault
