#include "cli/characters.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace changevault {
namespace {

struct Span {
  std::int32_t first, last;
};

template <std::size_t n>
bool within(std::int32_t code, const std::array<Span, n>& spans) {
  return std::any_of(spans.begin(), spans.end(),
                     [code](const Span& span) { return span.first <= code && code <= span.last; });
}

// As JSON writes it: what lies past U+FFFF takes two.
std::string escaped(std::int32_t code) {
  if (code < 0x10000) return fmt::format("\\u{:04X}", code);
  const std::int32_t rest = code - 0x10000;
  return fmt::format("\\u{:04X}\\u{:04X}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
}

// The length of one of our colours at the front; 0: none.
std::size_t color_length(std::string_view text) {
  if (text.front() != '\x1b') return 0;
  const std::size_t end = text.substr(0, 6).find('m');
  return end != std::string_view::npos && is_own_color(text.substr(0, end + 1)) ? end + 1 : 0;
}

}  // namespace

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {static_cast<std::int32_t>(lead), 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead >= 0xF5 || text.size() < length) return {};
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kLeast[length] || code > 0x10FFFF || surrogate) return {};
  return {static_cast<std::int32_t>(code), length};
}

// Not wcwidth: it follows the locale, and in "C" knows nothing past ASCII.
std::size_t cells_of(std::int32_t code) {
  constexpr std::array<Span, 6> kNone{{{0x300, 0x36F},
                                       {0x200B, 0x200F},
                                       {0x1AB0, 0x1AFF},
                                       {0x20D0, 0x20FF},
                                       {0xFE00, 0xFE0F},
                                       {0xFE20, 0xFE2F}}};
  constexpr std::array<Span, 9> kWide{{{0x1100, 0x115F},
                                       {0x2E80, 0x303E},
                                       {0x3041, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0x1F300, 0x1FAFF},
                                       {0x20000, 0x3FFFD}}};
  if (within(code, kNone)) return 0;
  return within(code, kWide) ? 2 : 1;
}

bool steers_terminal(std::int32_t code) {
  // The joiners U+200C and U+200D stay: words of several scripts need them.
  constexpr std::array<Span, 11> kSteering{{{0x00, 0x1F},
                                            {0x7F, 0x9F},
                                            {0xAD, 0xAD},
                                            {0x61C, 0x61C},
                                            {0x200B, 0x200B},
                                            {0x200E, 0x200F},
                                            {0x2028, 0x202E},
                                            {0x2060, 0x206F},
                                            {0xFEFF, 0xFEFF},
                                            {0xFFF9, 0xFFFB},
                                            {0xE0000, 0xE007F}}};
  return within(code, kSteering);
}

bool is_own_color(std::string_view sequence) {
  constexpr std::array<std::string_view, 7> kOwn{"\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[34m",
                                                 "\x1b[2m",  "\x1b[1m",  kColorEnd};
  return std::find(kOwn.begin(), kOwn.end(), sequence) != kOwn.end();
}

std::string harmless(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first_character(text);
    std::size_t length = c.bytes;
    if (c.code < 0) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(text[0]));
    } else if (const std::size_t color = color_length(text); color > 0) {
      length = color;
      out += text.substr(0, color);
    } else if (c.code != '\n' && c.code != '\t' && steers_terminal(c.code)) {
      out += escaped(c.code);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace changevault
