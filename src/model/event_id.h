// The identity of an event: 128 bits, the same for the same event however often and by whichever way it
// comes.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ids.h"

namespace changevault {

struct EventId {
  std::uint64_t high = 0;  // what digests sum
  std::uint64_t low = 0;
  auto operator<=>(const EventId&) const = default;

  // The id of an event with a resume token: first 128 bits of SHA-256("mcs1" 00 source 00 token).
  static EventId of_token(std::string_view source, std::string_view token);
  // The id of an event without one, by its place in the hub: SHA-256("hub1" 00 hub identity 00 epoch 00
  // partition 00 sequence), numbers in decimal.
  static EventId of_position(std::string_view hub_identity, Epoch epoch, PartitionId partition,
                             Sequence sequence);
  // The key under which the text of a record's event_id is compared and summed: the text itself where it is
  // 32 hex digits, else its MD5 (ids that other programs wrote).
  static EventId of_text(std::string_view text);
  // The same, where it says all of the text: 32 lower-case hex digits, as `to_string` writes them.
  static std::optional<EventId> of_own_text(std::string_view text);
};

// 32 lower-case hex digits.
std::string to_string(const EventId& id);
void append_hex(std::string& out, const EventId& id);

}  // namespace changevault
