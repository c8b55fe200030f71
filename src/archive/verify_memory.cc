#include "archive/verify_memory.h"

#include <utility>

#include <fmt/core.h>

#include "archive/memory_file.h"
#include "base/hash.h"
#include "codec/json.h"
#include "codec/json_fields.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 1;

// Everything that the ledger says of an object, so that a changed listing is a changed object.
std::string fingerprint(const SegmentFacts& facts, const std::string& origin) {
  std::string text = fmt::format("{}\n{}\n{}\n{} {} {} {} {} {} {} {} {} {} {}\n", origin, facts.ns.database,
                                 facts.ns.collection, facts.hour.index, facts.partition.value, facts.records,
                                 facts.first.value, facts.last.value, facts.min_time.ms, facts.max_time.ms,
                                 facts.bytes, facts.text_bytes, facts.digest, facts.distinct);
  for (const auto& [operation, count] : facts.operations) text += fmt::format("{} {}\n", operation, count);
  for (const BlockFacts& block : facts.blocks) {
    text += fmt::format("{} {} {} {} {} {} {} {} {} {}\n", block.byte_offset, block.bytes, block.text_offset,
                        block.text_bytes, block.records, block.first.value, block.min_time.ms,
                        block.max_time.ms, block.sha256, block.digest);
  }
  return sha256_hex(text).substr(0, 32);
}

Result<std::pair<std::string, RememberedObject>> object_from(std::string_view line,
                                                             const std::string& where) {
  const Json json = Json::parse(line, nullptr, false);
  JsonFields fields(json, where);
  std::pair<std::string, RememberedObject> out;
  out.first = fields.text("key");
  out.second.bytes = fields.count("bytes");
  out.second.etag = fields.text("etag");
  out.second.sha256 = fields.sha256("sha256");
  out.second.listing = fields.text("listing");
  out.second.checked = fields.time("checked");
  CV_TRY(fields.finish());
  return out;
}

}  // namespace

Result<VerifyMemory> VerifyMemory::decode(std::string_view text, const std::string& object) {
  CV_ASSIGN(MemoryLines lines, MemoryLines::open(text, object));
  CV_ASSIGN(std::string archive, read_memory_head(lines, "verify-memory", kFormat, object));
  VerifyMemory memory(std::move(archive));
  while (const auto line = lines.next()) {
    auto read = object_from(*line, object);
    if (!read) return memory_damaged(read.error().message, object);
    memory.objects_.insert(std::move(*read));
  }
  return memory;
}

std::string VerifyMemory::encode() const {
  std::string text =
      Json{{"version", kFormat}, {"kind", "verify-memory"}, {"archive", archive_}}.dump() + "\n";
  for (const auto& [key, object] : objects_) {
    text += Json{{"key", key},
                 {"bytes", object.bytes},
                 {"etag", object.etag},
                 {"sha256", object.sha256},
                 {"listing", object.listing},
                 {"checked", to_rfc3339(object.checked)}}
                .dump(-1, ' ', false, Json::error_handler_t::replace) +
            "\n";
  }
  return with_checksum(std::move(text));
}

const RememberedObject* VerifyMemory::find(const ObjectInfo& object, const SegmentFacts& listed,
                                           const std::string& origin) const {
  const auto found = objects_.find(object.key);
  if (found == objects_.end()) return nullptr;
  const RememberedObject& known = found->second;
  const bool same = known.bytes == object.bytes && known.bytes == listed.bytes && known.etag == object.etag &&
                    !known.etag.empty() && known.sha256 == listed.sha256 &&
                    known.listing == fingerprint(listed, origin);
  return same ? &known : nullptr;
}

void VerifyMemory::remember(const ObjectInfo& object, const SegmentFacts& listed, const std::string& origin,
                            Timestamp now) {
  objects_[object.key] = {object.bytes, object.etag, listed.sha256, fingerprint(listed, origin), now};
}

Result<std::optional<VerifyMemory>> read_verify_memory(const std::filesystem::path& file) {
  CV_ASSIGN(const std::optional<std::string> text, read_memory_file(file));
  if (!text) return std::optional<VerifyMemory>();
  CV_ASSIGN(VerifyMemory memory, VerifyMemory::decode(*text, file.string()));
  return std::optional(std::move(memory));
}

Result<void> write_verify_memory(const VerifyMemory& memory, const std::filesystem::path& file) {
  return write_memory_file(memory.encode(), file);
}

}  // namespace changevault
