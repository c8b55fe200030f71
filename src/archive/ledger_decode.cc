// Slots' bytes into entries. A year of hours is half a gigabyte of seals and several of commits, and every
// one of them is read and checked; so no tree is built that would be thrown away again.
#include <utility>

#include "archive/ledger.h"
#include "archive/slot_fields.h"
#include "codec/sealed_json.h"

namespace changevault {
namespace {

// Calls `each` with every object of the list `name`.
template <typename Each>
void read_list(SlotFields& fields, const char* name, SlotFailure& failure, Each&& each) {
  const simdjson::dom::array list = fields.array(name);
  if (failure.error) return;  // then there is no list to look into
  for (const simdjson::dom::element element : list) {
    SlotFields part(element, failure);
    if (failure.error) return;
    each(part);
  }
}

OperationCounts counts_from(SlotFields& fields, const char* name, const SlotFailure& failure) {
  OperationCounts counts;
  const simdjson::dom::object object = fields.object(name);
  if (failure.error) return counts;
  for (const auto& [operation, count] : object) {
    std::int64_t number = 0;
    if (count.get(number) != simdjson::SUCCESS || number < 0) {
      fields.fail("operation '" + std::string(operation) + "' has no count");
      break;
    }
    counts.insert_or_assign(counts.end(), std::string(operation), number);
  }
  return counts;
}

PartitionId partition_from(SlotFields& fields) {
  const std::int64_t number = fields.count("partition");
  if (number > INT32_MAX) fields.fail("no such partition");
  return PartitionId(static_cast<std::int32_t>(number));
}

Namespace namespace_from(SlotFields& fields) {
  return {std::string(fields.text("database")), std::string(fields.text("collection"))};
}

BlockFacts block_from(SlotFields& fields) {
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
  return block;
}

SegmentFacts facts_from(SlotFields& fields, SlotFailure& failure) {
  SegmentFacts facts;
  facts.key = fields.text("key");
  facts.ns = namespace_from(fields);
  facts.hour = fields.hour("hour");
  facts.partition = partition_from(fields);
  facts.records = fields.count("records");
  facts.operations = counts_from(fields, "operations", failure);
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
  read_list(fields, "blocks", failure, [&](SlotFields& part) { facts.blocks.push_back(block_from(part)); });
  return facts;
}

std::vector<SegmentFacts> segments_from(SlotFields& fields, const char* name, SlotFailure& failure) {
  std::vector<SegmentFacts> segments;
  read_list(fields, name, failure, [&](SlotFields& part) { segments.push_back(facts_from(part, failure)); });
  return segments;
}

std::vector<SealedSegment> names_from(SlotFields& fields, const char* name, SlotFailure& failure) {
  std::vector<SealedSegment> segments;
  read_list(fields, name, failure, [&](SlotFields& part) {
    segments.push_back({std::string(part.text("key")), std::string(part.sha256("sha256"))});
  });
  return segments;
}

ClaimEntry claim_from(SlotFields& fields) {
  ClaimEntry claim;
  claim.epoch = Epoch(fields.count("epoch"));
  claim.next = Sequence(fields.count("next"));
  claim.reached = fields.optional_time("reached");
  claim.floor = fields.optional_time("floor");
  return claim;
}

CommitEntry commit_from(SlotFields& fields, SlotFailure& failure) {
  CommitEntry commit;
  commit.epoch = Epoch(fields.count("epoch"));
  commit.first = Sequence(fields.count("first"));
  commit.last = Sequence(fields.integer("last"));
  commit.events = fields.count("events");
  commit.reached = fields.time("reached");
  if (auto part = fields.optional_object("tail")) {
    const Sequence sequence(part->count("sequence"));
    commit.tail = Tail{sequence, EventId::of_text(part->text("event_id")), part->time("broker_time")};
  }
  commit.segments = segments_from(fields, "segments", failure);
  commit.dead_letters = segments_from(fields, "dead_letters", failure);
  if (commit.last.value < commit.first.value - 1)
    fields.fail("the range of sequence numbers ends before it begins");
  return commit;
}

LostEntry lost_from(SlotFields& fields, const SlotFailure& failure) {
  LostEntry lost;
  lost.epoch = Epoch(fields.count("epoch"));
  lost.first = Sequence(fields.count("first"));
  lost.last = Sequence(fields.count("last"));
  lost.reason = fields.text("reason");
  lost.from = fields.optional_time("from");
  lost.to = fields.optional_time("to");
  const simdjson::dom::array salvage = fields.array("salvage");
  if (failure.error) return lost;
  for (const simdjson::dom::element element : salvage) {
    std::string_view key;
    if (element.get(key) != simdjson::SUCCESS) {
      fields.fail("'salvage' holds something that is no key");
      break;
    }
    lost.salvage.emplace_back(key);
  }
  lost.unbounded = fields.flag("unbounded");
  if (lost.unbounded && lost.last != lost.first) fields.fail("an unbounded loss has an end");
  return lost;
}

HubEntry hub_from(SlotFields& fields) {
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

SealEntry seal_from(SlotFields& fields, SlotFailure& failure) {
  SealEntry seal;
  seal.from = fields.hour("from");
  seal.to = fields.hour("to");
  if (seal.to <= seal.from) fields.fail("the seal ends before it begins");
  read_list(fields, "cells", failure, [&](SlotFields& part) {
    SealedCell cell;
    cell.hour = part.hour("hour");
    cell.ns = namespace_from(part);
    cell.digest = {part.count("records"), part.hex64("digest")};
    cell.operations = counts_from(part, "operations", failure);
    cell.segments = names_from(part, "segments", failure);
    seal.cells.push_back(std::move(cell));
  });
  read_list(fields, "dead_letters", failure, [&](SlotFields& part) {
    const Hour hour = part.hour("hour");
    const std::int64_t records = part.count("records");
    seal.dead_letters.push_back({hour, records, names_from(part, "objects", failure)});
  });
  read_list(fields, "lost", failure, [&](SlotFields& part) {
    const PartitionId partition = partition_from(part);
    seal.lost.push_back({partition, Slot(part.count("slot"))});
  });
  read_list(fields, "through", failure, [&](SlotFields& part) {
    const PartitionId partition = partition_from(part);
    seal.through[partition] = Slot(part.count("slot"));
  });
  if (const auto hub = fields.optional_count("hub")) seal.hub = Slot(*hub);
  return seal;
}

EntryBody body_from(SlotFields& fields, SlotFailure& failure) {
  const std::string_view kind = fields.text("kind");
  if (kind == "claim") return claim_from(fields);
  if (kind == "commit") return commit_from(fields, failure);
  if (kind == "lost") return lost_from(fields, failure);
  if (kind == "hub") return hub_from(fields);
  if (kind == "seal") return seal_from(fields, failure);
  fields.fail("a ledger entry of the unknown kind '" + std::string(kind) + "'");
  return ClaimEntry{};
}

// The document without its checksum, in the room that the parser needs.
std::string padded_document(std::string_view body) {
  std::string text;
  text.reserve(body.size() + 1 + simdjson::SIMDJSON_PADDING);
  text.append(body).push_back('}');
  return text;
}

}  // namespace

Result<Entry> decode_entry(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const std::string_view body, sealed_body(bytes, object));
  const std::string text = padded_document(body);
  thread_local simdjson::dom::parser parser;  // its buffers are large and new ones cost more than the parsing
  simdjson::dom::element document;
  if (parser.parse(text).get(document) != simdjson::SUCCESS) {
    return Error(ErrorCode::kCorrupt, "sealed document is not a JSON object", object);
  }
  SlotFailure failure{object, std::nullopt};
  SlotFields fields(document, failure);
  if (const std::int64_t format = fields.integer("format"); format > kLedgerFormat) {
    return Error(ErrorCode::kUsage,
                 "a ledger entry of format " + std::to_string(format) + ", newer than this program knows",
                 object, "use the changevault version that wrote this archive, or a newer one");
  }
  Entry entry;
  entry.header.owner = fields.text("owner");
  entry.header.nonce = fields.text("nonce");
  entry.header.time = fields.time("time");
  entry.header.previous = fields.sha256("previous");
  entry.body = body_from(fields, failure);
  if (failure.error) return *std::move(failure.error);
  return entry;
}

}  // namespace changevault
