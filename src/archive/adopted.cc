#include "archive/adopted.h"

#include <utility>

#include <simdjson.h>

#include "archive/chain.h"
#include "archive/chain_reader.h"
#include "archive/found_archive.h"
#include "archive/slot_fields.h"
#include "base/hash.h"
#include "codec/json.h"
#include "codec/sealed_json.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr const char* kKind = "adopted";

Json counts_json(const OperationCounts& counts) {
  Json json = Json::object();
  for (const auto& [operation, count] : counts) json[operation] = count;
  return json;
}

Json cell_json(const CellCount& cell) {
  return {{"hour", to_string(cell.hour)},      {"database", cell.ns.database},
          {"collection", cell.ns.collection},  {"records", cell.digest.records},
          {"digest", to_hex(cell.digest.sum)}, {"operations", counts_json(cell.operations)}};
}

Json file_json(const FoundFile& file) {
  Json json = {{"key", file.key},
               {"bytes", file.bytes},
               {"sha256", file.sha256},
               {"md5", file.md5},
               {"records", file.records},
               {"text_bytes", file.text_bytes},
               {"distinct", file.distinct},
               {"min_time", to_rfc3339(file.min_time)},
               {"max_time", to_rfc3339(file.max_time)},
               {"made_ids", file.made_ids}};
  Json& cells = json["cells"] = Json::array();
  for (const CellCount& cell : file.cells) cells.push_back(cell_json(cell));
  return json;
}

template <typename Each>
void read_list(SlotFields& fields, const char* name, SlotFailure& failure, Each&& each) {
  const simdjson::dom::array list = fields.array(name);
  if (failure.error) return;
  for (const simdjson::dom::element element : list) {
    SlotFields part(element, failure);
    if (failure.error) return;
    each(part);
  }
}

CellCount cell_from(SlotFields& fields, const SlotFailure& failure) {
  CellCount cell;
  cell.hour = fields.hour("hour");
  cell.ns = {std::string(fields.text("database")), std::string(fields.text("collection"))};
  cell.digest = {fields.count("records"), fields.hex64("digest")};
  const simdjson::dom::object operations = fields.object("operations");
  if (failure.error) return cell;
  for (const auto& [operation, count] : operations) {
    std::int64_t number = 0;
    if (count.get(number) != simdjson::SUCCESS || number < 0) fields.fail("an operation has no count");
    cell.operations[std::string(operation)] = number;
  }
  return cell;
}

FoundFile file_from(SlotFields& fields, SlotFailure& failure) {
  FoundFile file;
  file.key = fields.text("key");
  file.bytes = fields.count("bytes");
  file.sha256 = fields.sha256("sha256");
  file.md5 = fields.text("md5");
  file.records = fields.count("records");
  file.text_bytes = fields.count("text_bytes");
  file.distinct = fields.count("distinct");
  file.min_time = fields.time("min_time");
  file.max_time = fields.time("max_time");
  file.made_ids = fields.count("made_ids");
  std::int64_t left = file.records;
  read_list(fields, "cells", failure, [&](SlotFields& part) {
    file.cells.push_back(cell_from(part, failure));
    const std::int64_t records = file.cells.back().digest.records;
    left = records > left ? -1 : left - records;
  });
  if (left != 0) fields.fail("the cells of a file are not its records");
  return file;
}

ListedSegment listing(const FoundFile& file, const KeyLayout& layout, const AdoptedSlot& slot, Slot number) {
  ListedSegment listed = listing_of(file, layout, slot.source_id);
  listed.facts.partition = kAdoptedPartition;
  listed.slot = number;
  listed.listed_at = slot.header.time;
  auto foreign = std::make_shared<ForeignFacts>(*listed.foreign);
  foreign->adopted = true;
  listed.foreign = std::move(foreign);
  return listed;
}

struct ReadSlot {
  AdoptedSlot slot;
  std::string sha256;
};

Result<ReadSlot> read_slot(Chain& chain, Slot number) {
  CV_ASSIGN(const StoredSlot stored, chain.read(number));
  CV_ASSIGN(AdoptedSlot slot, decode_adopted(stored.bytes, chain.key(number)));
  return ReadSlot{std::move(slot), stored.sha256};
}

}  // namespace

std::string encode_adopted(const AdoptedSlot& slot) {
  Json json = {{"format", kFormat},
               {"kind", kKind},
               {"owner", slot.header.owner},
               {"nonce", slot.header.nonce},
               {"time", to_rfc3339(slot.header.time)},
               {"previous", slot.header.previous},
               {"source_id", slot.source_id}};
  Json& files = json["files"] = Json::array();
  for (const FoundFile& file : slot.files) files.push_back(file_json(file));
  return seal_json(json);
}

Result<AdoptedSlot> decode_adopted(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const std::string_view body, sealed_body(bytes, object));
  const simdjson::padded_string text(std::string(body) + "}");
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (parser.parse(text).get(document) != simdjson::SUCCESS)
    return Error(ErrorCode::kCorrupt, "sealed document is not a JSON object", object);
  SlotFailure failure{object, std::nullopt};
  SlotFields fields(document, failure);
  if (const std::int64_t format = fields.integer("format"); format > kFormat) {
    return Error(ErrorCode::kUsage,
                 "adopted files of format " + std::to_string(format) + ", newer than this program knows",
                 object, "use the changevault version that wrote this archive, or a newer one");
  }
  if (fields.text("kind") != kKind) fields.fail("it is no list of adopted files");
  AdoptedSlot slot;
  slot.header.owner = fields.text("owner");
  slot.header.nonce = fields.text("nonce");
  slot.header.time = fields.time("time");
  slot.header.previous = fields.sha256("previous");
  slot.source_id = fields.text("source_id");
  read_list(fields, "files", failure,
            [&](SlotFields& part) { slot.files.push_back(file_from(part, failure)); });
  if (failure.error) return *std::move(failure.error);
  return slot;
}

Result<AdoptedEnd> read_adopted_slots(
    ObjectStore& store, const KeyLayout& layout,
    const std::function<Result<void>(AdoptedSlot slot, Slot number, const std::string& key)>& each) {
  Chain chain(store, layout.adopted_chain());
  CV_ASSIGN(const Slot end, chain.find_end());
  AdoptedEnd out{end, kNoPrevious};
  for (Slot number(0); number < end; number = number.next()) {
    CV_ASSIGN(ReadSlot read, read_slot(chain, number));
    if (read.slot.header.previous != out.previous) return slot_rewritten(chain.key(number));
    out.previous = read.sha256;
    CV_TRY(each(std::move(read.slot), number, chain.key(number)));
  }
  return out;
}

Result<AdoptedFiles> read_adopted(ObjectStore& store, const KeyLayout& layout) {
  AdoptedFiles out;
  CV_ASSIGN(ChainEnd found, find_chain_end(store, layout.adopted_chain()));
  const auto problem = [&](Error error) {
    out.problems.push_back({damage_error(std::move(error)), kNoBegin, kNoEnd});
  };
  if (found.damage) problem(*std::move(found.damage));
  Chain chain(store, layout.adopted_chain());
  std::string previous = kNoPrevious;
  for (Slot number(0); number < found.end; number = number.next()) {
    Result<ReadSlot> read = read_slot(chain, number);
    if (!read && !is_ledger_damage(read.error())) return read.error();
    if (!read) {
      problem(std::move(read).error());
      previous.clear();
      continue;
    }
    ++out.slots;
    if (number == Slot(0)) out.identity = read->sha256;
    if (!previous.empty() && read->slot.header.previous != previous)
      problem(slot_rewritten(chain.key(number)));
    previous = read->sha256;
    for (const FoundFile& file : read->slot.files)
      out.segments.push_back(listing(file, layout, read->slot, number));
  }
  return out;
}

}  // namespace changevault
