#include "archive/ledger.h"

#include <charconv>
#include <utility>

#include "base/hash.h"
#include "codec/json_fields.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 1;

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

OperationCounts counts_from(JsonFields& fields, const char* name) {
  OperationCounts counts;
  for (const auto& [operation, count] : fields.object(name).items()) {
    if (!count.is_number_unsigned()) {
      fields.fail("operation '" + operation + "' has no count");
      break;
    }
    counts[operation] = count.get<std::int64_t>();
  }
  return counts;
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

Result<BlockFacts> block_from(const Json& json, const std::string& object) {
  JsonFields fields(json, object);
  BlockFacts block;
  block.byte_offset = fields.count("byte_offset");
  block.bytes = fields.count("bytes");
  block.text_offset = fields.count("text_offset");
  block.text_bytes = fields.count("text_bytes");
  block.records = fields.count("records");
  block.first = Sequence(fields.count("first"));
  block.min_time = fields.time("min_time");
  block.max_time = fields.time("max_time");
  block.sha256 = fields.sha256("sha256");
  block.digest = fields.hex64("digest");
  CV_TRY(fields.finish());
  return block;
}

Json segments_json(const std::vector<SegmentFacts>& segments) {
  Json list = Json::array();
  for (const SegmentFacts& facts : segments) list.push_back(to_json(facts));
  return list;
}

std::vector<SegmentFacts> segments_from(JsonFields& fields, const char* name, const std::string& object) {
  std::vector<SegmentFacts> segments;
  for (const Json& json : fields.array(name))
    segments.push_back(fields.take(segment_facts_from_json(json, object)));
  return segments;
}

Json names_json(const std::vector<SealedSegment>& segments) {
  Json list = Json::array();
  for (const SealedSegment& s : segments) list.push_back({{"key", s.key}, {"sha256", s.sha256}});
  return list;
}

std::vector<SealedSegment> names_from(JsonFields& fields, const char* name, const std::string& object) {
  std::vector<SealedSegment> segments;
  for (const Json& json : fields.array(name)) {
    JsonFields part(json, object);
    SealedSegment segment{part.text("key"), part.sha256("sha256")};
    if (const auto read = part.finish(); !read) fields.fail(read.error().message);
    segments.push_back(std::move(segment));
  }
  return segments;
}

// --- bodies ---

void put_body(Json& json, const ClaimEntry& claim) {
  json["epoch"] = claim.epoch.value;
  json["next"] = claim.next.value;
  json["reached"] = json_of(claim.reached);
  json["floor"] = json_of(claim.floor);
}

ClaimEntry claim_from(JsonFields& fields) {
  ClaimEntry claim;
  claim.epoch = Epoch(fields.count("epoch"));
  claim.next = Sequence(fields.count("next"));
  claim.reached = fields.optional_time("reached");
  claim.floor = fields.optional_time("floor");
  return claim;
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

CommitEntry commit_from(JsonFields& fields, const std::string& object) {
  CommitEntry commit;
  commit.epoch = Epoch(fields.count("epoch"));
  commit.first = Sequence(fields.count("first"));
  commit.last = Sequence(fields.integer("last"));
  commit.events = fields.count("events");
  commit.reached = fields.time("reached");
  if (fields.has("tail")) {
    JsonFields part(fields.object("tail"), object + " (tail)");
    const std::string id = part.text("event_id");
    commit.tail = Tail{Sequence(part.count("sequence")), EventId::of_text(id), part.time("broker_time")};
    if (const auto read = part.finish(); !read) fields.fail(read.error().message);
  }
  commit.segments = segments_from(fields, "segments", object);
  commit.dead_letters = segments_from(fields, "dead_letters", object);
  if (commit.last.value < commit.first.value - 1)
    fields.fail("the range of sequence numbers ends before it begins");
  return commit;
}

void put_body(Json& json, const LostEntry& lost) {
  json["epoch"] = lost.epoch.value;
  json["first"] = lost.first.value;
  json["last"] = lost.last.value;
  json["reason"] = lost.reason;
  json["from"] = json_of(lost.from);
  json["to"] = json_of(lost.to);
  json["salvage"] = lost.salvage;
}

LostEntry lost_from(JsonFields& fields) {
  LostEntry lost;
  lost.epoch = Epoch(fields.count("epoch"));
  lost.first = Sequence(fields.count("first"));
  lost.last = Sequence(fields.count("last"));
  lost.reason = fields.text("reason");
  lost.from = fields.optional_time("from");
  lost.to = fields.optional_time("to");
  for (const Json& key : fields.array("salvage")) {
    if (!key.is_string()) {
      fields.fail("'salvage' holds something that is no key");
      break;
    }
    lost.salvage.push_back(key.get<std::string>());
  }
  return lost;
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

HubEntry hub_from(JsonFields& fields) {
  HubEntry hub;
  hub.hub_kind = fields.text("hub_kind");
  hub.identity = fields.text("identity");
  hub.topic = fields.text("topic");
  hub.epoch = Epoch(fields.count("epoch"));
  hub.group = fields.text("group");
  hub.source_id = fields.text("source_id");
  const std::int64_t partitions = fields.count("partitions");
  if (partitions > INT32_MAX) fields.fail("that many partitions cannot be");
  hub.partitions = static_cast<std::int32_t>(partitions);
  return hub;
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
}

// Calls `each` with the fields of every object in the list `name`.
template <typename Each>
void read_list(JsonFields& fields, const char* name, const std::string& object, Each&& each) {
  for (const Json& json : fields.array(name)) {
    JsonFields part(json, object + " (" + name + ")");
    each(part);
    if (const auto read = part.finish(); !read) {
      fields.fail(read.error().message);
      return;
    }
  }
}

PartitionId partition_from(JsonFields& part) {
  const std::int64_t number = part.count("partition");
  if (number > INT32_MAX) part.fail("no such partition");
  return PartitionId(static_cast<std::int32_t>(number));
}

SealEntry seal_from(JsonFields& fields, const std::string& object) {
  SealEntry seal;
  seal.from = fields.hour("from");
  seal.to = fields.hour("to");
  if (seal.to <= seal.from) fields.fail("the seal ends before it begins");
  read_list(fields, "cells", object, [&](JsonFields& part) {
    SealedCell cell;
    cell.hour = part.hour("hour");
    cell.ns = {part.text("database"), part.text("collection")};
    cell.digest = {part.count("records"), part.hex64("digest")};
    cell.operations = counts_from(part, "operations");
    cell.segments = names_from(part, "segments", object);
    seal.cells.push_back(std::move(cell));
  });
  read_list(fields, "dead_letters", object, [&](JsonFields& part) {
    seal.dead_letters.push_back(
        {part.hour("hour"), part.count("records"), names_from(part, "objects", object)});
  });
  read_list(fields, "lost", object,
            [&](JsonFields& part) { seal.lost.push_back({partition_from(part), Slot(part.count("slot"))}); });
  read_list(fields, "through", object, [&](JsonFields& part) {
    const PartitionId partition = partition_from(part);
    seal.through[partition] = Slot(part.count("slot"));
  });
  return seal;
}

const char* kind_of(const EntryBody& body) {
  return std::visit(
      Overloaded{[](const ClaimEntry&) { return "claim"; }, [](const CommitEntry&) { return "commit"; },
                 [](const LostEntry&) { return "lost"; }, [](const HubEntry&) { return "hub"; },
                 [](const SealEntry&) { return "seal"; }},
      body);
}

EntryBody body_from(const std::string& kind, JsonFields& fields, const std::string& object) {
  if (kind == "claim") return claim_from(fields);
  if (kind == "commit") return commit_from(fields, object);
  if (kind == "lost") return lost_from(fields);
  if (kind == "hub") return hub_from(fields);
  if (kind == "seal") return seal_from(fields, object);
  fields.fail("a ledger entry of the unknown kind '" + kind + "'");
  return ClaimEntry{};
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

Result<SegmentFacts> segment_facts_from_json(const Json& json, const std::string& object) {
  JsonFields fields(json, object);
  SegmentFacts facts;
  facts.key = fields.text("key");
  facts.ns = {fields.text("database"), fields.text("collection")};
  facts.hour = fields.hour("hour");
  facts.partition = partition_from(fields);
  facts.records = fields.count("records");
  facts.operations = counts_from(fields, "operations");
  facts.first = Sequence(fields.count("first"));
  facts.last = Sequence(fields.count("last"));
  facts.min_time = fields.time("min_time");
  facts.max_time = fields.time("max_time");
  facts.bytes = fields.count("bytes");
  facts.text_bytes = fields.count("text_bytes");
  facts.sha256 = fields.sha256("sha256");
  facts.md5 = fields.text("md5");
  facts.digest = fields.hex64("digest");
  facts.distinct = fields.count("distinct");
  for (const Json& block : fields.array("blocks"))
    facts.blocks.push_back(fields.take(block_from(block, object)));
  CV_TRY(fields.finish());
  return facts;
}

std::string encode_entry(const Entry& entry) {
  Json json = {{"format", kFormat},
               {"kind", kind_of(entry.body)},
               {"owner", entry.header.owner},
               {"nonce", entry.header.nonce},
               {"time", to_rfc3339(entry.header.time)},
               {"previous", entry.header.previous}};
  std::visit([&](const auto& body) { put_body(json, body); }, entry.body);
  return seal_json(json);
}

Result<Entry> decode_entry(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const Json json, open_sealed_json(bytes, object));
  JsonFields fields(json, object);
  if (const std::int64_t format = fields.integer("format"); format > kFormat) {
    return Error(ErrorCode::kUsage,
                 "a ledger entry of format " + std::to_string(format) + ", newer than this program knows",
                 object, "use the changevault version that wrote this archive, or a newer one");
  }
  Entry entry;
  entry.header.owner = fields.text("owner");
  entry.header.nonce = fields.text("nonce");
  entry.header.time = fields.time("time");
  entry.header.previous = fields.sha256("previous");
  entry.body = body_from(fields.text("kind"), fields, object);
  CV_TRY(fields.finish());
  return entry;
}

}  // namespace changevault
