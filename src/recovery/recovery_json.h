// Parts that plans and journals write alike.
#pragma once

#include "codec/json_fields.h"
#include "codec/json_fwd.h"
#include "recovery/plan.h"

namespace changevault {

Json to_json(const ScanFacts& facts);
Result<ScanFacts> scan_facts_from_json(const Json& json, const std::string& object);

Json scope_json(const Scope& scope);
Result<Scope> scope_from_json(const Json& json, const std::string& object);

bool is_recovery_id(const std::string& id);
Error newer_plan(const std::string& object);

void put_actor(Json& json, const Actor& actor);
Actor actor_from(JsonFields& fields);

// Text without white space; bytes of a name that are not UTF-8 are replaced.
std::string dump(const Json& json);

}  // namespace changevault
