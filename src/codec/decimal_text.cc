#include "codec/decimal_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "codec/json_text.h"

namespace changevault {
namespace {

constexpr std::size_t kMostDigits = 20;  // of a 64-bit integer

// An integer of at most 64 bits, from a number's text by its digits alone.
std::optional<std::string> exact_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t mark = std::min(text.find_first_of("eE"), text.size());
  std::int64_t exponent = 0;
  if (mark < text.size()) {
    std::string_view digits = text.substr(mark + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc())
      return std::nullopt;  // far out of range, either way; zero is handled as a double
  }
  const std::string_view mantissa = text.substr(0, mark);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, point));
  if (point < mantissa.size()) {
    digits.append(mantissa.substr(point + 1));
    const auto places = static_cast<std::int64_t>(mantissa.size() - point - 1);
    if (exponent < INT64_MIN + places) return std::nullopt;
    exponent -= places;
  }
  while (digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (digits == "0") return "0";
  if (exponent < 0 || exponent > static_cast<std::int64_t>(kMostDigits)) return std::nullopt;
  digits.append(static_cast<std::size_t>(exponent), '0');
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc()) return std::nullopt;
  return negative ? "-" + digits : digits;
}

std::string nearest_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Too large or too small for a double; which of both, and the sign, is all that is kept.
  if (error == std::errc::result_out_of_range) {
    const bool negative = text.starts_with('-');
    const std::size_t mark = text.find_first_of("eE");
    const bool tiny = mark == std::string_view::npos ? text.substr(negative ? 1 : 0).starts_with("0.")
                                                     : text.substr(mark + 1).starts_with('-');
    return tiny ? "0" : (negative ? "-huge" : "huge");
  }
  constexpr double kTwoTo64 = 18446744073709551616.0;
  std::array<char, 32> out{};
  std::to_chars_result written{};
  if (value == std::trunc(value) && std::abs(value) < kTwoTo64) {
    const auto magnitude = static_cast<std::uint64_t>(std::abs(value));
    written = std::to_chars(out.data(), out.data() + out.size(), magnitude);
    const std::string digits(out.data(), written.ptr);
    return value < 0 ? "-" + digits : digits;
  }
  written = std::to_chars(out.data(), out.data() + out.size(), value);
  return {out.data(), written.ptr};
}

// Sign, digits without zeros at either end, and the power of ten behind them: "-25e-1". REQUIRES: a JSON
// number.
std::string by_digits(std::string_view text) {
  const std::string_view whole = text;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t mark = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, mark);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, point));
  if (point < mantissa.size()) digits.append(mantissa.substr(point + 1));
  auto exponent = -static_cast<std::int64_t>(mantissa.size() - std::min(point + 1, mantissa.size()));
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return "0";
  if (mark < text.size()) {
    std::string_view power = text.substr(mark + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(power.data(), power.data() + power.size(), value);
    constexpr std::int64_t kAbsurd = INT64_MAX / 2;
    if (error != std::errc() || value > kAbsurd || value < -kAbsurd) return std::string(whole);
    exponent += value;
  }
  while (digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (exponent != 0) digits += "e" + std::to_string(exponent);
  return negative ? "-" + digits : digits;
}

}  // namespace

std::optional<std::string> exact_number(std::string_view text, NumberKind kind) {
  if (!is_json_number(text)) return std::nullopt;
  const bool is_double = kind == NumberKind::kDouble ||
                         (kind == NumberKind::kPlain && text.find_first_of(".eE") != std::string_view::npos);
  double value = 0;
  // What no double holds is a number all the same.
  if (is_double && std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc())
    return by_digits(nearest_double(text));
  return by_digits(text);
}

std::optional<std::string> normal_number(std::string_view text, NumberKind kind) {
  if (!is_json_number(text)) return std::nullopt;
  const bool by_value = kind == NumberKind::kDouble ||
                        (kind == NumberKind::kPlain && text.find_first_of(".eE") != std::string_view::npos);
  if (!by_value) {
    if (auto integer = exact_integer(text)) return integer;
  }
  return nearest_double(text);
}

}  // namespace changevault
