#include <algorithm>
#include <iterator>

#include "base/hash.h"
#include "codec/json.h"
#include "codec/sealed_json.h"
#include "recovery/acks.h"
#include "recovery/recovery_json.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 1;

Json to_json(const AcknowledgedCell& cell) {
  const CellNumbers& n = cell.evidence.numbers;
  return {{"hour", to_string(cell.hour)},
          {"database", cell.ns.database},
          {"collection", cell.ns.collection},
          {"state", name(cell.state)},
          {"archive", n.archive},
          {"warehouse", n.warehouse},
          {"distinct", n.distinct},
          {"missing", n.missing},
          {"extra", n.extra},
          {"duplicate", n.duplicate},
          {"repeats", n.repeats},
          {"lost", cell.evidence.lost},
          {"archive_digest", to_hex(cell.evidence.archive_digest)},
          {"warehouse_digest", to_hex(cell.evidence.warehouse_digest)}};
}

GapState state_from(JsonFields& fields) {
  const std::string word = fields.text("state");
  const auto* const found = std::find_if(std::begin(kGapStates), std::end(kGapStates),
                                         [&](GapState state) { return word == name(state); });
  if (found != std::end(kGapStates) && is_gap(*found)) return *found;
  fields.fail("'" + word + "' is no state of a gap");
  return GapState::kMissing;
}

Result<AcknowledgedCell> cell_from_json(const Json& json, const std::string& object) {
  JsonFields fields(json, object);
  AcknowledgedCell cell;
  cell.hour = fields.hour("hour");
  cell.ns = {fields.text("database"), fields.text("collection")};
  cell.state = state_from(fields);
  CellNumbers& n = cell.evidence.numbers;
  n.archive = fields.count("archive");
  n.warehouse = fields.count("warehouse");
  n.distinct = fields.count("distinct");
  n.missing = fields.count("missing");
  n.extra = fields.count("extra");
  n.duplicate = fields.count("duplicate");
  n.repeats = fields.integer("repeats");
  cell.evidence.lost = fields.count("lost");
  cell.evidence.archive_digest = fields.hex64("archive_digest");
  cell.evidence.warehouse_digest = fields.hex64("warehouse_digest");
  CV_TRY(fields.finish());
  return cell;
}

void put(Json& json, const Acknowledgement& what) {
  put_actor(json, what.actor);
  json["reason"] = what.reason;
  json["scope"] = what.scope;
  Json cells = Json::array();
  for (const AcknowledgedCell& cell : what.cells) cells.push_back(to_json(cell));
  json["cells"] = std::move(cells);
}

void put(Json& json, const TakenBack& what) {
  put_actor(json, what.actor);
  json["reason"] = what.reason;
  json["ack"] = what.ack.value;
}

Acknowledgement acknowledgement_from(JsonFields& fields, const std::string& object) {
  Acknowledgement what;
  what.actor = actor_from(fields);
  what.reason = fields.text("reason");
  what.scope = fields.text("scope");
  for (const Json& cell : fields.array("cells"))
    what.cells.push_back(fields.take(cell_from_json(cell, object + " (cell)")));
  return what;
}

const char* kind_of(const AckEntry& entry) {
  return std::holds_alternative<TakenBack>(entry.body) ? "take_back" : "ack";
}

}  // namespace

std::string encode_ack(const AckEntry& entry) {
  Json json = {{"format", kFormat},    {"kind", kind_of(entry)},         {"owner", entry.owner},
               {"nonce", entry.nonce}, {"time", to_rfc3339(entry.time)}, {"previous", entry.previous}};
  std::visit([&](const auto& body) { put(json, body); }, entry.body);
  return seal_json(json);
}

Result<AckEntry> decode_ack(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const Json json, open_sealed_json(bytes, object));
  JsonFields fields(json, object);
  if (fields.count("format") > kFormat) {
    return Error(ErrorCode::kUsage, "the acknowledgement was written by a newer version of the program",
                 object, "use that version to look at it");
  }
  AckEntry entry;
  entry.owner = fields.text("owner");
  entry.nonce = fields.text("nonce");
  entry.time = fields.time("time");
  entry.previous = fields.sha256("previous");
  const std::string kind = fields.text("kind");
  if (kind == "ack") {
    entry.body = acknowledgement_from(fields, object);
  } else if (kind == "take_back") {
    const Actor actor = actor_from(fields);
    entry.body = TakenBack{actor, fields.text("reason"), Slot(fields.count("ack"))};
  } else {
    fields.fail("unknown kind of acknowledgement: '" + kind + "'");
  }
  CV_TRY(fields.finish());
  return entry;
}

}  // namespace changevault
