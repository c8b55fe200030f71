// The small parts of JSON text: white space, numbers, string escapes.
#pragma once

#include <string>
#include <string_view>

namespace changevault {

constexpr bool is_json_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Without the white space at both ends.
std::string_view trim_json(std::string_view text);

// By the grammar of RFC 8259, whatever its size: "1e400" is a number, "01", "+1", "1." and "NaN" are not.
bool is_json_number(std::string_view text);

// The place of the first bad escape, or npos: unknown letter, \u without four hex digits, half of a surrogate
// pair. REQUIRES: every backslash of `text` stands in a string.
std::size_t find_bad_escape(std::string_view text);

// Appends the characters that the inside of a JSON string stands for; false (and `out` is unspecified) for a
// bad escape.
bool unescape_json(std::string_view inside, std::string& out);

// The characters of the inside of a string: itself where nothing is escaped, else decoded into `scratch`.
// REQUIRES: no bad escape inside.
std::string_view decoded_json(std::string_view inside, std::string& scratch);

// Appends `text` (UTF-8) as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

}  // namespace changevault
