#include "recovery/recovery_json.h"

#include "base/hash.h"
#include "codec/json.h"

namespace changevault {
namespace {

Json time_json(const std::optional<Timestamp>& time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

}  // namespace

Json to_json(const ScanFacts& facts) {
  Json operations = Json::object();
  for (const auto& [operation, count] : facts.operations) operations[operation] = count;
  return {{"rows", facts.rows},
          {"digest", to_hex(facts.digest)},
          {"operations", std::move(operations)},
          {"min_time", time_json(facts.min_time)},
          {"max_time", time_json(facts.max_time)}};
}

Result<ScanFacts> scan_facts_from_json(const Json& json, const std::string& object) {
  JsonFields fields(json, object);
  ScanFacts facts;
  facts.rows = fields.count("rows");
  facts.digest = fields.hex64("digest");
  for (const auto& [operation, count] : fields.object("operations").items()) {
    if (!count.is_number_unsigned() || count.get<std::uint64_t>() > INT64_MAX) {
      fields.fail("operation '" + operation + "' has no count");
      break;
    }
    facts.operations[operation] = count.get<std::int64_t>();
  }
  facts.min_time = fields.optional_time("min_time");
  facts.max_time = fields.optional_time("max_time");
  CV_TRY(fields.finish());
  return facts;
}

void put_actor(Json& json, const Actor& actor) {
  json["user"] = actor.user;
  json["host"] = actor.host;
  json["program"] = actor.program;
}

Actor actor_from(JsonFields& fields) {
  return {fields.text("user"), fields.text("host"), fields.text("program")};
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace changevault
