// One text for one number, whichever way it was written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace changevault {

// By which rule a number's text is read.
enum class NumberKind {
  kPlain,    // of JSON: an integer where it has neither fraction nor exponent, else a double
  kInteger,  // 32 or 64 bits
  kDouble,
  kDecimal,  // Decimal128
};

// Integers that fit 64 bits, however they were written ("1", "1.0", "1e0"), as their digits, exactly; other
// numbers as the shortest text of the nearest double. nullopt where `text` is not a JSON number.
std::optional<std::string> normal_number(std::string_view text, NumberKind kind);

// A text that is equal for equal numbers and for no others: integers and decimals of any length by their
// digits, doubles by their value (the shortest decimal that means it). So 5, 5.0 and 50e-1 are one, and two
// integers beyond 2^53 that differ stay two. nullopt where `text` is not a JSON number.
std::optional<std::string> exact_number(std::string_view text, NumberKind kind);

}  // namespace changevault
