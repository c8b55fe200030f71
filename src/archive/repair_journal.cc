#include "archive/repair_journal.h"

#include <algorithm>
#include <utility>

#include "archive/chain.h"
#include "codec/json.h"
#include "codec/json_fields.h"
#include "codec/sealed_json.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 1;

Json items_json(const std::vector<RepairItem>& items) {
  Json out = Json::array();
  for (const RepairItem& item : items) {
    out.push_back({{"action", name(item.action)},
                   {"key", item.key},
                   {"sha256", item.sha256},
                   {"problem", item.detail},
                   {"sources", item.sources}});
  }
  return out;
}

RepairAction action_from(JsonFields& fields) {
  const std::string action = fields.text("action");
  for (const RepairAction known : {RepairAction::kRestoreObject, RepairAction::kRestoreSlot,
                                   RepairAction::kRemoveLeftover, RepairAction::kBeginSeals}) {
    if (action == name(known)) return known;
  }
  fields.fail("unknown action of a repair: '" + action + "'");
  return {};
}

RepairItem item_from(const Json& json, const std::string& where, JsonFields& outer) {
  JsonFields fields(json, where);
  RepairItem item;
  item.action = action_from(fields);
  item.key = fields.text("key");
  item.sha256 = fields.text("sha256");
  item.detail = fields.text("problem");
  item.sources = fields.text("sources");
  if (const auto read = fields.finish(); !read) outer.fail(read.error().message);
  return item;
}

Result<void> read_entry(const StoredSlot& stored, const std::string& key, std::vector<PastRepair>& repairs) {
  CV_ASSIGN(const Json json, open_sealed_json(stored.bytes, key));
  JsonFields fields(json, key);
  if (fields.count("format") > kFormat) {
    return Error(ErrorCode::kUsage, "the record of a repair was written by a newer version of the program",
                 key, "use that version to look at it");
  }
  const std::string id = fields.text("repair");
  const Timestamp time = fields.time("time");
  const std::string kind = fields.text("kind");
  if (kind == "begun") {
    PastRepair repair;
    repair.id = id;
    repair.begun = time;
    repair.actor = {fields.text("user"), fields.text("host"), fields.text("program")};
    for (const Json& item : fields.array("items")) repair.planned.push_back(item_from(item, key, fields));
    repairs.push_back(std::move(repair));
    return fields.finish();
  }
  if (kind != "ended") fields.fail("unknown kind of slot in the record of repairs: '" + kind + "'");
  CV_TRY(fields.finish());
  const auto begun = std::find_if(repairs.begin(), repairs.end(), [&](const auto& r) { return r.id == id; });
  if (begun == repairs.end()) return Error(ErrorCode::kCorrupt, "it ends a repair that nobody began", key);
  begun->ended = time;
  for (const Json& done : fields.array("done")) {
    if (!done.is_string()) {
      fields.fail("'done' holds something that is no key");
      break;
    }
    begun->done.push_back(done.get<std::string>());
  }
  for (const Json& part : fields.array("not_done")) {
    JsonFields item(part, key);
    begun->not_done.push_back({item.text("key"), item.text("problem"), {}});
    CV_TRY(item.finish());
  }
  return fields.finish();
}

}  // namespace

Result<RepairOutcome> RepairJournal::begin(const RepairPlan& plan, const RepairActor& actor) {
  RepairOutcome outcome;
  outcome.id = parts_.random.nonce().substr(0, 16);
  CV_TRY(append({{"kind", "begun"},
                 {"repair", outcome.id},
                 {"user", actor.user},
                 {"host", actor.host},
                 {"program", actor.program},
                 {"items", items_json(plan.items)}}));
  return outcome;
}

Result<void> RepairJournal::end(const RepairOutcome& outcome, const RepairActor& actor) {
  Json not_done = Json::array();
  for (const RepairRefusal& item : outcome.not_done)
    not_done.push_back({{"key", item.key}, {"problem", item.problem}});
  return append({{"kind", "ended"},
                 {"repair", outcome.id},
                 {"user", actor.user},
                 {"host", actor.host},
                 {"program", actor.program},
                 {"done", outcome.done},
                 {"not_done", std::move(not_done)}});
}

// Repairs may be many at once: each entry takes the next slot that is free.
Result<void> RepairJournal::append(Json entry) {
  Chain chain(parts_.store, parts_.layout.repair_chain());
  const std::string nonce = parts_.random.nonce();
  const std::string time = to_rfc3339(parts_.clock.now());
  for (;;) {
    CV_ASSIGN(const Slot end, chain.find_end());
    std::string previous = kNoPrevious;
    if (end > Slot(0)) {
      CV_ASSIGN(const StoredSlot last, chain.read(end.previous()));
      previous = last.sha256;
    }
    Json slot = {{"format", kFormat}, {"nonce", nonce}, {"time", time}, {"previous", previous}};
    for (const auto& [field, content] : entry.items()) slot[field] = content;
    CV_ASSIGN(const Chain::CreateOutcome created, chain.create(end, seal_json(slot)));
    if (created == Chain::CreateOutcome::kCreated) return {};
  }
}

Result<std::vector<PastRepair>> past_repairs(ObjectStore& store, const KeyLayout& layout) {
  Chain chain(store, layout.repair_chain());
  CV_ASSIGN(const Slot end, chain.find_end());
  std::vector<PastRepair> repairs;
  CV_TRY(chain.for_each(Slot(0), end, [&](const StoredSlot& stored) {
    return read_entry(stored, chain.key(stored.slot), repairs);
  }));
  return repairs;
}

}  // namespace changevault
