// Extended JSON in one form, for comparing: document keys (document_key.h), and values with what was asked
// for (record_conditions.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "codec/json_reader.h"

namespace changevault {

// The text of `json` without white space, with numbers by value, strings by their characters, and the
// wrappers of canonical and relaxed Extended JSON reduced to what the Node driver's JSON.stringify writes:
// {"$oid":x} is "x", {"$date":…} an RFC 3339 string, {"$uuid":…} and binaries of subtype 4 the dashed digits,
// other binaries their base64. nullopt where `json` is not JSON or nested deeper than the reader allows.
std::optional<std::string> normal_json(JsonReader& reader, std::string_view json);

// The same with numbers as `exact_number` writes them: no two numbers share a text. (normal_json is older,
// and keys are placed in partitions by it, so it stays as it is.)
// {"$oid":x} and {"$uuid":x} are reduced only where x has that form.
std::optional<std::string> comparable_json(JsonReader& reader, std::string_view json);

// The string that comparable_json makes of an ObjectId, a UUID or a date of which `string` is a text: digits
// in small letters, an instant in UTC with milliseconds. nullopt where it is a text of none. Records may hold
// such a value in other characters than these: in capitals, base64, milliseconds, another zone.
std::optional<std::string> reduced_text(std::string_view string);

}  // namespace changevault
