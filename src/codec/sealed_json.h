// JSON documents that prove their own bytes: ledger slots, plans, journals, acknowledgements
// (docs/formats/ledger.md). The last field is "self": SHA-256 of all bytes before `,"self":`. One line, '\n'
// at the end.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json_fwd.h"

namespace changevault {

// `document` is a non-empty object without a field "self". Bytes that are not UTF-8 become U+FFFD.
std::string seal_json(const Json& document);

// Checks `self`; the bytes that it speaks of: the document without `,"self":"…"}`, its last brace included.
Result<std::string_view> sealed_body(std::string_view bytes, const std::string& object);

// Checks `self` and parses; the document comes back without it. kCorrupt (naming `object`) where the bytes
// are not what they say.
Result<Json> open_sealed_json(std::string_view bytes, const std::string& object);

}  // namespace changevault
