// MongoDB's cluster time in the forms that drivers write it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/json_reader.h"

namespace changevault {

struct BsonTimestamp {
  std::uint32_t seconds = 0;
  std::uint32_t increment = 0;
  bool operator==(const BsonTimestamp&) const = default;
};

// Reads {"$timestamp":{"t":1,"i":2}} (t and i plain, or wrapped as $numberInt or $numberLong) and the Node
// driver's
// {"$timestamp":"…"}, 64 bits in decimal, from the value that stands next; nullopt for anything else. The
// reader's position afterwards is unspecified. REQUIRES: JsonReader::check has proven the value.
std::optional<BsonTimestamp> read_timestamp(JsonReader& reader);

// The same where the value's text is exactly as the first of these forms stands there; nullopt for any other.
std::optional<BsonTimestamp> read_plain_timestamp(std::string_view text);

}  // namespace changevault
