#include "base/hash.h"
#include "codec/json.h"
#include "codec/json_fields.h"
#include "codec/record_conditions.h"
#include "codec/sealed_json.h"
#include "recovery/plan.h"
#include "recovery/recovery_json.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 2;

Json time_json(Timestamp time, std::int64_t unbounded) {
  return time.ms == unbounded ? Json(nullptr) : Json(to_rfc3339(time));
}

}  // namespace

Json scope_json(const Scope& scope) {
  Json hours(nullptr);
  if (scope.hours_of_day) hours = Json::array({scope.hours_of_day->first, scope.hours_of_day->second});
  Json json = {{"database", scope.database},
               {"collection", scope.collection},
               {"from", time_json(scope.time.from, INT64_MIN)},
               {"to", time_json(scope.time.to, INT64_MAX)},
               {"hours_of_day", std::move(hours)},
               {"operations", Json(scope.operations)},
               {"key", scope.key},
               {"pattern", scope.pattern}};
  for (const FieldCondition& condition : scope.where)
    json["where"].push_back({{"field", condition.field}, {"value", condition.value}});
  return json;
}

namespace {

void read_hours_of_day(JsonFields& fields, Scope& scope) {
  if (!fields.has("hours_of_day")) return;
  const Json& hours = fields.array("hours_of_day");
  const auto is_hour = [](const Json& json) {
    return json.is_number_unsigned() && json.get<std::uint64_t>() < 24;
  };
  if (hours.size() != 2 || !is_hour(hours[0]) || !is_hour(hours[1])) {
    fields.fail("'hours_of_day' is not two hours");
    return;
  }
  scope.hours_of_day = {hours[0].get<int>(), hours[1].get<int>()};
}

// Where it is there, it holds some.
void read_where(JsonFields& fields, const std::string& object, Scope& scope) {
  for (const Json& json : fields.array("where")) {
    JsonFields condition(json, object + " (where)");
    scope.where.push_back({condition.text("field"), condition.text("value")});
    if (auto read = condition.finish(); !read) fields.fail(read.error().message);
  }
  if (scope.where.empty()) fields.fail("'where' holds no condition");
  const auto meant = RecordConditions::of(scope);
  if (!meant) fields.fail("a condition means nothing: " + meant.error().message);
}

}  // namespace

Result<Scope> scope_from_json(const Json& json, const std::string& object) {
  JsonFields fields(json, object + " (scope)");
  Scope scope;
  scope.database = fields.text("database");
  scope.collection = fields.text("collection");
  scope.time.from = fields.optional_time("from").value_or(Timestamp{INT64_MIN});
  scope.time.to = fields.optional_time("to").value_or(Timestamp{INT64_MAX});
  read_hours_of_day(fields, scope);
  for (const Json& operation : fields.array("operations")) {
    if (operation.is_string()) {
      scope.operations.insert(operation.get<std::string>());
    } else {
      fields.fail("'operations' is not a list of names");
    }
  }
  scope.key = fields.text("key");
  scope.pattern = fields.text("pattern");
  if (fields.has("where")) read_where(fields, object, scope);
  CV_TRY(fields.finish());
  return scope;
}

namespace {

Json segment_json(const PlannedSegment& segment) {
  return {{"key", segment.key},
          {"sha256", segment.sha256},
          {"database", segment.ns.database},
          {"collection", segment.ns.collection},
          {"hour", to_string(segment.hour)},
          {"partition", segment.partition.value},
          {"slot", segment.slot.value},
          {"records", segment.records},
          {"bytes", segment.bytes}};
}

Result<PlannedSegment> segment_from(const Json& json, const std::string& object) {
  JsonFields fields(json, object + " (segment)");
  PlannedSegment segment;
  segment.key = fields.text("key");
  segment.sha256 = fields.sha256("sha256");
  segment.ns = {fields.text("database"), fields.text("collection")};
  segment.hour = fields.hour("hour");
  segment.partition = PartitionId(static_cast<std::int32_t>(fields.count("partition")));
  segment.slot = Slot(fields.count("slot"));
  segment.records = fields.count("records");
  segment.bytes = fields.count("bytes");
  CV_TRY(fields.finish());
  return segment;
}

Json cell_json(const PlannedCell& cell) {
  return {{"hour", to_string(cell.hour)},     {"database", cell.ns.database},
          {"collection", cell.ns.collection}, {"archive", cell.archive},
          {"distinct", cell.distinct},        {"already_present", cell.already_present},
          {"warehouse", cell.warehouse}};
}

Result<PlannedCell> cell_from(const Json& json, const std::string& object) {
  JsonFields fields(json, object + " (cell)");
  PlannedCell cell;
  cell.hour = fields.hour("hour");
  cell.ns = {fields.text("database"), fields.text("collection")};
  cell.archive = fields.count("archive");
  cell.distinct = fields.count("distinct");
  cell.already_present = fields.count("already_present");
  cell.warehouse = fields.count("warehouse");
  CV_TRY(fields.finish());
  return cell;
}

Result<FileProof> proof_from(const Json& json, const std::string& object) {
  JsonFields fields(json, object + " (files)");
  FileProof proof;
  proof.archived = fields.count("archived");
  proof.changed = fields.count("changed");
  proof.unknown = fields.count("unknown");
  proof.unreadable = fields.count("unreadable");
  CV_TRY(fields.finish());
  return proof;
}

// What version 1 can say is written as such, so that older programs read it.
std::int64_t version_of(const RecoveryPlan& plan) {
  return plan.scope.where.empty() && plan.cells.empty() && !plan.files ? 1 : kFormat;
}

// The facts of the work itself: what the hash is taken of.
Json work_json(const RecoveryPlan& plan) {
  Json segments = Json::array();
  for (const PlannedSegment& segment : plan.segments) segments.push_back(segment_json(segment));
  Json json = {{"version", version_of(plan)},        {"kind", "recovery-plan"},
               {"scope", scope_json(plan.scope)},    {"segments", std::move(segments)},
               {"expected", to_json(plan.expected)}, {"distinct", plan.distinct}};
  if (plan.files) {
    json["files"] = {{"archived", plan.files->archived},
                     {"changed", plan.files->changed},
                     {"unknown", plan.files->unknown},
                     {"unreadable", plan.files->unreadable}};
  }
  return json;
}

}  // namespace

bool is_recovery_id(const std::string& id) {
  return !id.empty() && id.size() <= 64 &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

Error newer_plan(const std::string& object) {
  return Error(ErrorCode::kUsage, "the plan was written by a newer version of the program", object,
               "use that version, or make a new plan");
}

std::string RecoveryPlan::hash() const {
  return sha256_hex(dump(work_json(*this)));
}

std::string encode_plan(const RecoveryPlan& plan) {
  Json json = work_json(plan);
  json["plan_hash"] = plan.hash();
  json["id"] = plan.id;
  json["already_present"] = plan.already_present;
  json["new"] = plan.new_rows();
  if (!plan.cells.empty()) {
    Json cells = Json::array();
    for (const PlannedCell& cell : plan.cells) cells.push_back(cell_json(cell));
    json["cells"] = std::move(cells);
  }
  json["created"] = to_rfc3339(plan.created);
  put_actor(json, plan.actor);
  return seal_json(json);
}

Result<RecoveryPlan> decode_plan(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const Json json, open_sealed_json(bytes, object));
  JsonFields fields(json, object);
  if (fields.text("kind") != "recovery-plan") fields.fail("this is no recovery plan");
  if (fields.count("version") > kFormat) return newer_plan(object);
  RecoveryPlan plan;
  plan.id = fields.text("id");
  if (!is_recovery_id(plan.id)) fields.fail("'" + plan.id + "' cannot be the id of a recovery");
  plan.scope = fields.take(scope_from_json(fields.object("scope"), object));
  for (const Json& segment : fields.array("segments")) {
    plan.segments.push_back(fields.take(segment_from(segment, object)));
  }
  plan.expected = fields.take(scan_facts_from_json(fields.object("expected"), object + " (expected)"));
  plan.distinct = fields.count("distinct");
  plan.already_present = fields.count("already_present");
  if (fields.has("cells")) {
    for (const Json& cell : fields.array("cells")) plan.cells.push_back(fields.take(cell_from(cell, object)));
  }
  if (fields.has("files")) plan.files = fields.take(proof_from(fields.object("files"), object));
  plan.created = fields.time("created");
  plan.actor = actor_from(fields);
  const std::string hash = fields.sha256("plan_hash");
  CV_TRY(fields.finish());
  if (hash != plan.hash())
    return Error(ErrorCode::kCorrupt, "the plan's hash is not that of its contents", object);
  return plan;
}

}  // namespace changevault
