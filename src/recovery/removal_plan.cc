#include "recovery/removal_plan.h"

#include <utility>

#include "base/hash.h"
#include "codec/json.h"
#include "codec/sealed_json.h"
#include "recovery/recovery_json.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr const char* kKind = "removal-plan";

Json cell_json(const DuplicateCell& cell) {
  return {{"hour", cell.hour ? Json(to_string(*cell.hour)) : Json(nullptr)},
          {"database", cell.ns.database},
          {"collection", cell.ns.collection},
          {"ids", cell.ids},
          {"rows", cell.rows},
          {"unequal_ids", cell.unequal_ids},
          {"unequal_rows", cell.unequal_rows}};
}

Result<DuplicateCell> cell_from(const Json& json, const std::string& object) {
  JsonFields fields(json, object + " (cell)");
  DuplicateCell cell;
  if (fields.has("hour")) cell.hour = fields.hour("hour");
  cell.ns = {fields.text("database"), fields.text("collection")};
  cell.ids = fields.count("ids");
  cell.rows = fields.count("rows");
  cell.unequal_ids = fields.count("unequal_ids");
  cell.unequal_rows = fields.count("unequal_rows");
  CV_TRY(fields.finish());
  return cell;
}

Json work_json(const RemovalPlan& plan) {
  Json cells = Json::array();
  for (const DuplicateCell& cell : plan.cells) cells.push_back(cell_json(cell));
  return {{"version", kFormat},
          {"kind", kKind},
          {"scope", scope_json(plan.scope)},
          {"cells", std::move(cells)},
          {"ids", plan.sum.ids},
          {"rows", plan.sum.rows},
          {"digest", to_hex(plan.sum.digest)}};
}

}  // namespace

std::int64_t RemovalPlan::unequal_rows() const {
  std::int64_t rows = 0;
  for (const DuplicateCell& cell : cells) rows += cell.unequal_rows;
  return rows;
}

std::string RemovalPlan::hash() const {
  return sha256_hex(dump(work_json(*this)));
}

Result<FoundDuplicates> plan_removal(const RemovalRequest& request, Warehouse& warehouse,
                                     std::size_t examples) {
  if (!request.scope.is_whole_hours()) {
    return Error(ErrorCode::kUsage, "duplicates are removed from whole hours of collections",
                 to_string(request.scope), "name database, collection and hours, and nothing else");
  }
  CV_ASSIGN(DuplicateFacts facts, warehouse.duplicates(request.scope, examples));
  return FoundDuplicates{
      {request.id, request.scope, std::move(facts.cells), facts.sum, request.now, request.actor},
      std::move(facts.examples),
      std::move(facts.unequal)};
}

std::string encode_plan(const RemovalPlan& plan) {
  Json json = work_json(plan);
  json["plan_hash"] = plan.hash();
  json["id"] = plan.id;
  json["to_remove"] = plan.to_remove();
  json["created"] = to_rfc3339(plan.created);
  put_actor(json, plan.actor);
  return seal_json(json);
}

Result<RemovalPlan> decode_removal_plan(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const Json json, open_sealed_json(bytes, object));
  JsonFields fields(json, object);
  if (fields.text("kind") != kKind) fields.fail("this is no removal plan");
  if (fields.count("version") > kFormat) return newer_plan(object);
  RemovalPlan plan;
  plan.id = fields.text("id");
  if (!is_recovery_id(plan.id)) fields.fail("'" + plan.id + "' cannot be the id of a recovery");
  plan.scope = fields.take(scope_from_json(fields.object("scope"), object));
  for (const Json& cell : fields.array("cells")) plan.cells.push_back(fields.take(cell_from(cell, object)));
  plan.sum.ids = fields.count("ids");
  plan.sum.rows = fields.count("rows");
  plan.sum.digest = fields.hex64("digest");
  plan.created = fields.time("created");
  plan.actor = actor_from(fields);
  const std::string hash = fields.sha256("plan_hash");
  CV_TRY(fields.finish());
  if (hash != plan.hash())
    return Error(ErrorCode::kCorrupt, "the plan's hash is not that of its contents", object);
  return plan;
}

Result<AnyPlan> decode_any_plan(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const Json json, open_sealed_json(bytes, object));
  if (json.value("kind", Json()) == Json(kKind)) {
    CV_ASSIGN(RemovalPlan plan, decode_removal_plan(bytes, object));
    return AnyPlan(std::move(plan));
  }
  CV_ASSIGN(RecoveryPlan plan, decode_plan(bytes, object));
  return AnyPlan(std::move(plan));
}

}  // namespace changevault
