#include "archive/found_memory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "archive/memory_file.h"
#include "base/hash.h"
#include "codec/json.h"
#include "codec/json_fields.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 1;

Json cell_json(const CellCount& cell) {
  Json operations = Json::object();
  for (const auto& [operation, count] : cell.operations) operations[operation] = count;
  return {{"hour", to_string(cell.hour)},      {"database", cell.ns.database},
          {"collection", cell.ns.collection},  {"records", cell.digest.records},
          {"digest", to_hex(cell.digest.sum)}, {"operations", std::move(operations)}};
}

Result<CellCount> cell_from(const Json& json, const std::string& where) {
  JsonFields fields(json, where);
  CellCount cell;
  cell.hour = fields.hour("hour");
  cell.ns = {fields.text("database"), fields.text("collection")};
  cell.digest = {fields.count("records"), fields.hex64("digest")};
  for (const auto& [operation, count] : fields.object("operations").items()) {
    if (count.is_number_integer() && count.get<std::int64_t>() > 0) {
      cell.operations[operation] = count.get<std::int64_t>();
    } else {
      fields.fail("an operation's count is none");
    }
  }
  CV_TRY(fields.finish());
  return cell;
}

std::string line_of(const FoundFile& file, Timestamp used) {
  Json cells = Json::array();
  for (const CellCount& cell : file.cells) cells.push_back(cell_json(cell));
  return Json{{"key", file.key},
              {"bytes", file.bytes},
              {"etag", file.etag},
              {"modified", to_rfc3339(file.modified)},
              {"sha256", file.sha256},
              {"md5", file.md5},
              {"records", file.records},
              {"text_bytes", file.text_bytes},
              {"distinct", file.distinct},
              {"min_time", to_rfc3339(file.min_time)},
              {"max_time", to_rfc3339(file.max_time)},
              {"made_ids", file.made_ids},
              {"cells", std::move(cells)},
              {"used", to_rfc3339(used)}}
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

bool is_text(const std::string& bytes) {
  return simdjson::validate_utf8(bytes.data(), bytes.size());
}

}  // namespace

std::string FoundMemory::archive_name(const std::string& store_url, const std::string& root,
                                      const std::string& source_id) {
  return sha256_hex("found\n" + store_url + "\n" + root + "\n" + source_id);
}

Result<FoundMemory::Known> FoundMemory::known_from(std::string_view line, const std::string& where) {
  const Json json = Json::parse(line, nullptr, false);
  JsonFields fields(json, where);
  Known known;
  FoundFile& file = known.file;
  file.key = fields.text("key");
  file.bytes = fields.count("bytes");
  file.etag = fields.text("etag");
  file.modified = fields.time("modified");
  file.sha256 = fields.sha256("sha256");
  file.md5 = fields.text("md5");
  file.records = fields.count("records");
  file.text_bytes = fields.count("text_bytes");
  file.distinct = fields.count("distinct");
  file.min_time = fields.time("min_time");
  file.max_time = fields.time("max_time");
  file.made_ids = fields.count("made_ids");
  for (const Json& cell : fields.array("cells")) file.cells.push_back(fields.take(cell_from(cell, where)));
  known.used = fields.time("used");
  CV_TRY(fields.finish());
  return known;
}

Result<FoundMemory> FoundMemory::decode(std::string_view text, const std::string& object) {
  CV_ASSIGN(MemoryLines lines, MemoryLines::open(text, object));
  CV_ASSIGN(std::string archive, read_memory_head(lines, "found-memory", kFormat, object));
  FoundMemory memory(std::move(archive));
  while (const auto line = lines.next()) {
    auto read = known_from(*line, object);
    if (!read) return memory_damaged(read.error().message, object);
    std::string key = read->file.key;
    memory.files_.insert_or_assign(std::move(key), std::move(*read));
  }
  return memory;
}

std::string FoundMemory::encode(std::size_t most_bytes) const {
  std::vector<std::pair<Timestamp, std::string>> lines;
  for (const auto& [key, known] : files_) lines.emplace_back(known.used, line_of(known.file, known.used));
  std::ranges::stable_sort(lines, std::greater<>(), [](const auto& line) { return line.first.ms; });
  std::string text =
      Json{{"version", kFormat}, {"kind", "found-memory"}, {"archive", archive_}}.dump() + "\n";
  for (const auto& [used, line] : lines) {
    if (text.size() + line.size() > most_bytes) break;
    text += line;
  }
  return with_checksum(std::move(text));
}

const FoundFile* FoundMemory::find(const ObjectInfo& object, Timestamp now) {
  const auto found = files_.find(object.key);
  if (found == files_.end()) return nullptr;
  const FoundFile& file = found->second.file;
  if (file.bytes != object.bytes || file.etag != object.etag) return nullptr;
  found->second.used = now;
  return &file;
}

void FoundMemory::remember(const FoundFile& file, Timestamp now) {
  if (!file.is_whole() || file.etag.empty() || !is_text(file.key)) return forget(file.key);
  files_[file.key] = {file, now};
  changed_ = true;
}

void FoundMemory::forget(const std::string& key) {
  changed_ = files_.erase(key) > 0 || changed_;
}

Result<std::optional<FoundMemory>> read_found_memory(const std::filesystem::path& file) {
  CV_ASSIGN(const std::optional<std::string> text, read_memory_file(file));
  if (!text) return std::optional<FoundMemory>();
  CV_ASSIGN(FoundMemory memory, FoundMemory::decode(*text, file.string()));
  return std::optional(std::move(memory));
}

Result<void> write_found_memory(const FoundMemory& memory, const std::filesystem::path& file) {
  return write_memory_file(memory.encode(), file);
}

}  // namespace changevault
