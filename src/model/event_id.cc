#include "model/event_id.h"

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

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_field(std::string& out, std::string_view field) {
  out.push_back('\0');
  out.append(field);
}

}  // namespace

EventId EventId::of_token(std::string_view source, std::string_view token) {
  std::string text = "mcs1";
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
  EventId id;
  for (std::size_t i = 0; i < 32; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return leading_bits(md5(text));
    std::uint64_t& half = i < 16 ? id.high : id.low;
    half = half << 4 | static_cast<std::uint64_t>(digit);
  }
  return id;
}

void append_hex(std::string& out, const EventId& id) {
  out += to_hex(id.high);
  out += to_hex(id.low);
}

std::string to_string(const EventId& id) {
  return to_hex(id.high) + to_hex(id.low);
}

}  // namespace changevault
