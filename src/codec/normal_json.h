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

// Whether comparable_json also makes this string of values that are written in other characters: the digits
// of an ObjectId or a UUID (capitals, base64), an instant (milliseconds, another zone).
bool has_other_texts(std::string_view string);

}  // namespace changevault
