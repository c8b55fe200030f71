#include "codec/json_text.h"

#include <array>
#include <cstdint>
#include <optional>

namespace changevault {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four hex digits behind "\u", or nothing.
std::optional<std::uint32_t> read_unit(std::string_view text, std::size_t at) {
  if (text.size() < at + 4) return std::nullopt;
  std::uint32_t unit = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return std::nullopt;
    unit = unit << 4 | static_cast<std::uint32_t>(digit);
  }
  return unit;
}

struct Escape {
  std::uint32_t code_point = 0;
  std::size_t length = 0;  // of the escape's text; 0: not an escape
};

Escape read_unicode_escape(std::string_view text, std::size_t at) {
  const auto unit = read_unit(text, at + 2);
  if (!unit) return {};
  if (*unit < 0xD800 || *unit > 0xDFFF) return {*unit, 6};
  if (*unit > 0xDBFF || text.substr(at + 6, 2) != "\\u") return {};
  const auto low = read_unit(text, at + 8);
  if (!low || *low < 0xDC00 || *low > 0xDFFF) return {};
  return {0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00), 12};
}

// REQUIRES: text[at] is a backslash.
Escape read_escape(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size()) return {};
  switch (text[at + 1]) {
    case '"':
      return {'"', 2};
    case '\\':
      return {'\\', 2};
    case '/':
      return {'/', 2};
    case 'b':
      return {'\b', 2};
    case 'f':
      return {'\f', 2};
    case 'n':
      return {'\n', 2};
    case 'r':
      return {'\r', 2};
    case 't':
      return {'\t', 2};
    case 'u':
      return read_unicode_escape(text, at);
    default:
      return {};
  }
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

// The letter of a two-character escape; 'u' for the control characters that have none; 0 where none is
// needed.
constexpr auto kEscapeLetter = [] {
  std::array<char, 256> letters{};
  for (std::size_t i = 0; i < 0x20; ++i) letters[i] = 'u';
  letters['"'] = '"';
  letters['\\'] = '\\';
  letters['\b'] = 'b';
  letters['\f'] = 'f';
  letters['\n'] = 'n';
  letters['\r'] = 'r';
  letters['\t'] = 't';
  return letters;
}();

}  // namespace

std::string_view trim_json(std::string_view text) {
  while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_json_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  std::size_t end = skip_digits(text, at);
  if (end == at || (text[at] == '0' && end > at + 1)) return false;
  at = end;
  if (at < text.size() && text[at] == '.') {
    end = skip_digits(text, at + 1);
    if (end == at + 1) return false;
    at = end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    end = skip_digits(text, at);
    if (end == at) return false;
    at = end;
  }
  return at == text.size();
}

std::size_t find_bad_escape(std::string_view text) {
  std::size_t at = text.find('\\');
  while (at != std::string_view::npos) {
    const Escape escape = read_escape(text, at);
    if (escape.length == 0) return at;
    at = text.find('\\', at + escape.length);
  }
  return std::string_view::npos;
}

bool unescape_json(std::string_view inside, std::string& out) {
  while (true) {
    const std::size_t at = inside.find('\\');
    out.append(inside.substr(0, at));
    if (at == std::string_view::npos) return true;
    const Escape escape = read_escape(inside, at);
    if (escape.length == 0) return false;
    append_utf8(out, escape.code_point);
    inside.remove_prefix(at + escape.length);
  }
}

std::string_view decoded_json(std::string_view inside, std::string& scratch) {
  if (inside.find('\\') == std::string_view::npos) return inside;
  scratch.clear();
  unescape_json(inside, scratch);
  return scratch;
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const char letter = kEscapeLetter[byte];
    if (letter == 0) continue;
    out.append(text.substr(plain, i - plain));
    out.push_back('\\');
    out.push_back(letter);
    if (letter == 'u') {
      constexpr char kHex[] = "0123456789abcdef";
      out.append("00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
    plain = i + 1;
  }
  out.append(text.substr(plain));
  out.push_back('"');
}

}  // namespace changevault
