#include "model/event_id.h"

#include <array>

#include "base/hash.h"

namespace changevault {
namespace {

template <typename Bytes>
EventId leading_bits(const Bytes& bytes) {
  EventId id;
  for (std::size_t i = 0; i < 8; ++i) id.high = id.high << 8 | bytes[i];
  for (std::size_t i = 8; i < 16; ++i) id.low = id.low << 8 | bytes[i];
  return id;
}

// No digit has these bits.
constexpr std::uint8_t kNoDigit = 0x80;

constexpr std::array<std::uint8_t, 256> kHexDigits = [] {
  std::array<std::uint8_t, 256> out{};
  out.fill(kNoDigit);
  for (std::uint8_t n = 0; n < 10; ++n) out[static_cast<std::size_t>('0' + n)] = n;
  for (std::uint8_t n = 10; n < 16; ++n) {
    out[static_cast<std::size_t>('a' + n - 10)] = n;
    out[static_cast<std::size_t>('A' + n - 10)] = n;
  }
  return out;
}();

// Sixteen digits; what is no digit shows in `seen`. Without a branch for each: warehouses ask for every row.
std::uint64_t read_half(std::string_view text, std::uint8_t& seen) {
  std::uint64_t half = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    const std::uint8_t digit = kHexDigits[static_cast<unsigned char>(text[i])];
    seen |= digit;
    half = half << 4 | (digit & 0x0F);
  }
  return half;
}

void append_field(std::string& out, std::string_view field) {
  out.push_back('\0');
  out.append(field);
}

}  // namespace

EventId EventId::of_token(std::string_view source, std::string_view token) {
  std::string text;
  text.reserve(4 + 1 + source.size() + 1 + token.size());
  text.append("mcs1");
  append_field(text, source);
  append_field(text, token);
  return leading_bits(sha256(text));
}

EventId EventId::of_position(std::string_view hub_identity, Epoch epoch, PartitionId partition,
                             Sequence sequence) {
  std::string text = "hub1";
  append_field(text, hub_identity);
  append_field(text, std::to_string(epoch.value));
  append_field(text, std::to_string(partition.value));
  append_field(text, std::to_string(sequence.value));
  return leading_bits(sha256(text));
}

EventId EventId::of_text(std::string_view text) {
  if (text.size() != 32) return leading_bits(md5(text));
  std::uint8_t seen = 0;
  const EventId id{read_half(text.substr(0, 16), seen), read_half(text.substr(16), seen)};
  return (seen & kNoDigit) == 0 ? id : leading_bits(md5(text));
}

std::optional<EventId> EventId::of_own_text(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  bool own = true;  // no branch for each
  for (const char c : text) own &= (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  if (!own) return std::nullopt;
  std::uint8_t seen = 0;
  return EventId{read_half(text.substr(0, 16), seen), read_half(text.substr(16), seen)};
}

void append_hex(std::string& out, const EventId& id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 32> text{};
  for (std::size_t i = 0; i < 16; ++i) {
    text[i] = kDigits[id.high >> (60 - 4 * i) & 15];
    text[16 + i] = kDigits[id.low >> (60 - 4 * i) & 15];
  }
  out.append(text.data(), text.size());
}

std::string to_string(const EventId& id) {
  std::string out;
  append_hex(out, id);
  return out;
}

}  // namespace changevault
