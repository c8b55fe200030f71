// UTF-8 one character at a time, as a terminal sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace changevault {

struct Character {
  std::int32_t code = -1;  // -1: the byte is no UTF-8 (overlong forms and surrogates included)
  std::size_t bytes = 1;
};

// The character at the front of `text`, which is not empty.
Character first_character(std::string_view text);

// Cells of a terminal: wide characters two, combining and invisible ones none.
std::size_t cells_of(std::int32_t code);

// Must not reach a terminal as it is: control characters (C0, DEL, C1), what turns the direction of writing,
// line and paragraph separators, characters that nobody sees and that make two names look alike.
bool steers_terminal(std::int32_t code);

// The colours that this program paints with begin and end with these, and no others.
bool is_own_color(std::string_view sequence);
inline constexpr std::string_view kColorEnd = "\x1b[0m";

// Text of several lines for a terminal, whatever names and data it holds: line ends, tabs and our own colours
// stay; all else that steers a terminal becomes \uXXXX, so that JSON stays the same JSON, and bytes that are
// no UTF-8 become \xNN.
std::string harmless(std::string_view text);

}  // namespace changevault
