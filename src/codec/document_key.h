// One document, one key: the texts that drivers write for the same `_id` differ, the key must not.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace changevault {

// A text that is equal for equal document keys, whichever of canonical Extended JSON, relaxed Extended JSON
// or the Node driver's JSON.stringify wrote them: numbers by value (1, 1.0 and {"$numberLong":"1"} are one),
// {"$oid":x} as x, strings by their characters, white space gone. Two different keys may share a text (an
// ObjectId and its hex string), never the other way round. nullopt where `json` is not JSON.
std::optional<std::string> normal_document_key(std::string_view json);

// The key by which a message is placed in a partition: normal_document_key of its `documentKey`, else its
// namespace, else the whole payload. Any bytes are accepted: publishing never judges.
std::string partition_key(std::string_view payload);

// Kafka's default partitioner (murmur2 of the key), so that the embedded hub places a document as Java
// clients do.
std::int32_t partition_of(std::string_view key, std::int32_t partitions);

}  // namespace changevault
