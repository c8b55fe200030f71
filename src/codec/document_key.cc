#include "codec/document_key.h"

#include "codec/event_parser.h"
#include "codec/json_reader.h"
#include "codec/json_text.h"
#include "codec/normal_json.h"

namespace changevault {
namespace {

// One reader for each thread: finding a key costs no allocation.
JsonReader& thread_reader() {
  thread_local JsonReader reader(kMaxEventDepth);
  return reader;
}

struct KeyParts {
  std::string_view document_key;
  std::string database;
  std::string collection;
};

void read_names(JsonReader& reader, KeyParts& parts) {
  std::string_view key;
  std::string_view text;
  ObjectFields fields(reader);
  while (fields.next(key)) {
    std::string* const name = key == "db" ? &parts.database : key == "coll" ? &parts.collection : nullptr;
    if (name == nullptr || !reader.string(text)) {
      if (!reader.skip(text)) return;
      continue;
    }
    name->clear();
    unescape_json(text, *name);
  }
}

// As far as the payload can be read; what lies outside the fields asked for may be anything that nests.
KeyParts read_parts(std::string_view payload) {
  KeyParts parts;
  JsonReader& reader = thread_reader();
  if (!reader.open(payload, false) || reader.peek() != '{') return {};
  std::string_view key;
  std::string_view value;
  ObjectFields fields(reader);
  while (fields.next(key)) {
    if (key == "ns" && reader.peek() == '{') {
      read_names(reader, parts);
      continue;
    }
    const bool is_key = key == "documentKey" && reader.peek() == '{';
    if (!reader.skip(value)) break;
    if (is_key) parts.document_key = value;
  }
  return reader.failed() ? KeyParts{} : parts;
}

constexpr std::uint32_t kMurmurFactor = 0x5bd1e995;

std::uint32_t murmur2(std::string_view data) {
  constexpr std::uint32_t kSeed = 0x9747b28c;
  const auto byte = [&data](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(data[i])}; };
  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(data.size());
  const std::size_t whole = data.size() & ~std::size_t{3};
  for (std::size_t i = 0; i < whole; i += 4) {
    std::uint32_t word = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    word *= kMurmurFactor;
    word ^= word >> 24;
    hash = hash * kMurmurFactor ^ word * kMurmurFactor;
  }
  if (whole < data.size()) {
    for (std::size_t i = whole; i < data.size(); ++i) hash ^= byte(i) << 8 * (i - whole);
    hash *= kMurmurFactor;
  }
  hash ^= hash >> 13;
  hash *= kMurmurFactor;
  return hash ^ hash >> 15;
}

}  // namespace

std::optional<std::string> normal_document_key(std::string_view json) {
  return normal_json(thread_reader(), json);
}

std::string partition_key(std::string_view payload) {
  const KeyParts parts = read_parts(payload);
  if (!parts.document_key.empty()) {
    if (auto key = normal_document_key(parts.document_key)) return *std::move(key);
  }
  if (!parts.database.empty()) return parts.database + "." + parts.collection;
  return std::string(payload);
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) {
  return static_cast<std::int32_t>(murmur2(key) & 0x7fffffff) % partitions;
}

}  // namespace changevault
