#include <utility>

#include "codec/json.h"
#include "codec/sealed_json.h"
#include "recovery/journal.h"
#include "recovery/recovery_json.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 2;

// What version 1 can say is written as such, so that older programs read it.
std::int64_t version_of(const JournalStep& step) {
  const DoneStep* const done = std::get_if<DoneStep>(&step);
  const bool removal = std::holds_alternative<RemovedStep>(step) || (done != nullptr && done->removed);
  return removal ? 2 : 1;
}

void put(Json& json, const StartedStep& step) {
  json["plan_hash"] = step.plan_hash;
  put_actor(json, step.actor);
  if (!step.chunks.empty()) json["chunks"] = step.chunks;
}
void put(Json& json, const WaitingStep& step) {
  put_actor(json, step.actor);
  json["rows"] = step.rows;
}
void put(Json& json, const StagedStep& step) {
  json["scan"] = to_json(step.scan);
}
void put(Json& json, const ValidatedStep& step) {
  json["rows"] = step.rows;
  json["distinct"] = step.distinct;
}
void put(Json& json, const MergedStep& step) {
  json["inserted"] = step.inserted;
  json["already_present"] = step.already_present;
}
void put(Json& json, const CheckedStep& step) {
  json["missing"] = step.missing;
  json["duplicate"] = step.duplicate;
}
void put(Json& json, const RemovedStep& step) {
  json["removed"] = step.removed;
}
void put(Json& json, const DoneStep& step) {
  json["plan_hash"] = step.plan_hash;
  put_actor(json, step.actor);
  json["scope"] = step.scope;
  json["started"] = to_rfc3339(step.started);
  json["segments"] = step.segments;
  json["expected"] = step.expected;
  json["staged"] = step.staged;
  json["inserted"] = step.inserted;
  json["already_present"] = step.already_present;
  if (step.removed) json["removed"] = *step.removed;
}
void put(Json& json, const FailedStep& step) {
  put_actor(json, step.actor);
  json["scope"] = step.scope;
  json["step"] = step.step;
  json["code"] = step.code;
  json["message"] = step.message;
  json["merged"] = step.merged;
}

StartedStep started_from(JsonFields& fields) {
  StartedStep step{fields.sha256("plan_hash"), actor_from(fields), {}};
  if (!fields.has("chunks")) return step;
  for (const Json& segments : fields.array("chunks")) {
    if (segments.is_number_unsigned() && segments.get<std::int64_t>() > 0) {
      step.chunks.push_back(segments.get<std::int64_t>());
    } else {
      fields.fail("'chunks' is not a list of numbers of segments");
    }
  }
  return step;
}

DoneStep done_from(JsonFields& fields) {
  DoneStep step;
  step.plan_hash = fields.sha256("plan_hash");
  step.actor = actor_from(fields);
  step.scope = fields.text("scope");
  step.started = fields.time("started");
  step.segments = fields.count("segments");
  step.expected = fields.count("expected");
  step.staged = fields.count("staged");
  step.inserted = fields.count("inserted");
  step.already_present = fields.count("already_present");
  if (fields.has("removed")) step.removed = fields.count("removed");
  return step;
}

FailedStep failed_from(JsonFields& fields) {
  FailedStep step;
  step.actor = actor_from(fields);
  step.scope = fields.text("scope");
  step.step = fields.text("step");
  step.code = fields.text("code");
  step.message = fields.text("message");
  step.merged = fields.boolean("merged");
  return step;
}

// Braced initialisers are evaluated in order, so the first field that is wrong is the one that is named.
JournalStep step_from(const std::string& kind, JsonFields& fields, const std::string& object) {
  if (kind == "started") return started_from(fields);
  if (kind == "waiting") return WaitingStep{actor_from(fields), fields.count("rows")};
  if (kind == "staged")
    return StagedStep{fields.take(scan_facts_from_json(fields.object("scan"), object + " (scan)"))};
  if (kind == "validated") return ValidatedStep{fields.count("rows"), fields.count("distinct")};
  if (kind == "merged") return MergedStep{fields.count("inserted"), fields.count("already_present")};
  if (kind == "removed") return RemovedStep{fields.count("removed")};
  if (kind == "checked") return CheckedStep{fields.count("missing"), fields.count("duplicate")};
  if (kind == "done") return done_from(fields);
  if (kind == "failed") return failed_from(fields);
  fields.fail("unknown kind of journal slot: '" + kind + "'");
  return {};
}

}  // namespace

const char* name(const JournalStep& step) {
  constexpr const char* kNames[] = {"started", "staged", "validated", "waiting", "merged",
                                    "checked", "done",   "failed",    "removed"};
  static_assert(std::size(kNames) == std::variant_size_v<JournalStep>);
  return kNames[step.index()];
}

std::string encode_journal_entry(const JournalEntry& entry, const std::string& recovery_id) {
  Json json = {{"version", version_of(entry.step)}, {"kind", name(entry.step)},
               {"recovery", recovery_id},           {"nonce", entry.nonce},
               {"time", to_rfc3339(entry.time)},    {"previous", entry.previous}};
  std::visit([&](const auto& step) { put(json, step); }, entry.step);
  return seal_json(json);
}

Result<JournalEntry> decode_journal_entry(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const Json json, open_sealed_json(bytes, object));
  JsonFields fields(json, object);
  if (fields.count("version") > kFormat) {
    return Error(ErrorCode::kUsage, "the journal was written by a newer version of the program", object,
                 "use that version to look at it");
  }
  JournalEntry entry;
  entry.nonce = fields.text("nonce");
  entry.time = fields.time("time");
  entry.previous = fields.sha256("previous");
  entry.step = step_from(fields.text("kind"), fields, object);
  CV_TRY(fields.finish());
  return entry;
}

}  // namespace changevault
