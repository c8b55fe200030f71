#include "archive/ledger.h"

#include "base/hash.h"
#include "codec/json.h"
#include "codec/sealed_json.h"

namespace changevault {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

Json json_of(const std::optional<Timestamp>& time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

Json counts_json(const OperationCounts& counts) {
  Json json = Json::object();
  for (const auto& [operation, count] : counts) json[operation] = count;
  return json;
}

// --- blocks and segments ---

Json block_json(const BlockFacts& block) {
  return {{"byte_offset", block.byte_offset},
          {"bytes", block.bytes},
          {"text_offset", block.text_offset},
          {"text_bytes", block.text_bytes},
          {"records", block.records},
          {"first", block.first.value},
          {"min_time", to_rfc3339(block.min_time)},
          {"max_time", to_rfc3339(block.max_time)},
          {"sha256", block.sha256},
          {"digest", to_hex(block.digest)}};
}

Json segments_json(const std::vector<SegmentFacts>& segments) {
  Json list = Json::array();
  for (const SegmentFacts& facts : segments) list.push_back(to_json(facts));
  return list;
}

Json names_json(const std::vector<SealedSegment>& segments) {
  Json list = Json::array();
  for (const SealedSegment& s : segments) list.push_back({{"key", s.key}, {"sha256", s.sha256}});
  return list;
}

// --- bodies ---

void put_body(Json& json, const ClaimEntry& claim) {
  json["epoch"] = claim.epoch.value;
  json["next"] = claim.next.value;
  json["reached"] = json_of(claim.reached);
  json["floor"] = json_of(claim.floor);
}

void put_body(Json& json, const CommitEntry& commit) {
  json["epoch"] = commit.epoch.value;
  json["first"] = commit.first.value;
  json["last"] = commit.last.value;
  json["events"] = commit.events;
  json["reached"] = to_rfc3339(commit.reached);
  json["tail"] = nullptr;
  if (commit.tail) {
    json["tail"] = {{"sequence", commit.tail->sequence.value},
                    {"event_id", to_string(commit.tail->event_id)},
                    {"broker_time", to_rfc3339(commit.tail->broker_time)}};
  }
  json["segments"] = segments_json(commit.segments);
  json["dead_letters"] = segments_json(commit.dead_letters);
}

void put_body(Json& json, const LostEntry& lost) {
  json["epoch"] = lost.epoch.value;
  json["first"] = lost.first.value;
  json["last"] = lost.last.value;
  json["reason"] = lost.reason;
  json["from"] = json_of(lost.from);
  json["to"] = json_of(lost.to);
  json["salvage"] = lost.salvage;
  if (lost.unbounded) json["unbounded"] = true;
}

void put_body(Json& json, const HubEntry& hub) {
  json["hub_kind"] = hub.hub_kind;
  json["identity"] = hub.identity;
  json["topic"] = hub.topic;
  json["epoch"] = hub.epoch.value;
  json["group"] = hub.group;
  json["source_id"] = hub.source_id;
  json["partitions"] = hub.partitions;
}

void put_body(Json& json, const SealEntry& seal) {
  json["from"] = to_string(seal.from);
  json["to"] = to_string(seal.to);
  Json& cells = json["cells"] = Json::array();
  for (const SealedCell& cell : seal.cells) {
    cells.push_back({{"hour", to_string(cell.hour)},
                     {"database", cell.ns.database},
                     {"collection", cell.ns.collection},
                     {"records", cell.digest.records},
                     {"digest", to_hex(cell.digest.sum)},
                     {"operations", counts_json(cell.operations)},
                     {"segments", names_json(cell.segments)}});
  }
  Json& dead = json["dead_letters"] = Json::array();
  for (const SealedDeadLetters& d : seal.dead_letters) {
    dead.push_back({{"hour", to_string(d.hour)}, {"records", d.records}, {"objects", names_json(d.objects)}});
  }
  Json& lost = json["lost"] = Json::array();
  for (const SealedLoss& l : seal.lost)
    lost.push_back({{"partition", l.partition.value}, {"slot", l.slot.value}});
  Json& through = json["through"] = Json::array();
  for (const auto& [partition, slot] : seal.through) {
    through.push_back({{"partition", partition.value}, {"slot", slot.value}});
  }
  if (seal.hub) json["hub"] = seal.hub->value;
}

const char* kind_of(const EntryBody& body) {
  return std::visit(
      Overloaded{[](const ClaimEntry&) { return "claim"; }, [](const CommitEntry&) { return "commit"; },
                 [](const LostEntry&) { return "lost"; }, [](const HubEntry&) { return "hub"; },
                 [](const SealEntry&) { return "seal"; }},
      body);
}

}  // namespace

Json to_json(const SegmentFacts& facts) {
  Json json = {{"key", facts.key},
               {"database", facts.ns.database},
               {"collection", facts.ns.collection},
               {"hour", to_string(facts.hour)},
               {"partition", facts.partition.value},
               {"records", facts.records},
               {"operations", counts_json(facts.operations)},
               {"first", facts.first.value},
               {"last", facts.last.value},
               {"min_time", to_rfc3339(facts.min_time)},
               {"max_time", to_rfc3339(facts.max_time)},
               {"bytes", facts.bytes},
               {"text_bytes", facts.text_bytes},
               {"sha256", facts.sha256},
               {"md5", facts.md5},
               {"digest", to_hex(facts.digest)},
               {"distinct", facts.distinct}};
  Json& blocks = json["blocks"] = Json::array();
  for (const BlockFacts& block : facts.blocks) blocks.push_back(block_json(block));
  return json;
}

std::string encode_entry(const Entry& entry) {
  Json json = {{"format", kLedgerFormat},
               {"kind", kind_of(entry.body)},
               {"owner", entry.header.owner},
               {"nonce", entry.header.nonce},
               {"time", to_rfc3339(entry.header.time)},
               {"previous", entry.header.previous}};
  std::visit([&](const auto& body) { put_body(json, body); }, entry.body);
  return seal_json(json);
}

}  // namespace changevault
