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

}  // namespace changevault
