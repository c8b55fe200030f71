// Any JSON object as a recovery plan, with its hash as docs/formats/plan.md tells it and sealed: refused with
// a reason, or written again with the same meaning and the same hash.
#include <cstdint>

#include "codec/json.h"
#include "codec/sealed_json.h"
#include "fuzz/fuzzing.h"
#include "recovery/plan.h"

namespace {

using namespace changevault;
using namespace changevault::fuzzing;

// The hash of the plan's work, from the document alone.
std::string hash_of(const Json& document) {
  Json work = Json::object();
  for (const char* const field : {"version", "kind", "scope", "segments", "expected", "distinct"}) {
    if (document.contains(field)) work[field] = document[field];
  }
  return sha256_hex(work.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void check(const std::string& bytes) {
  const auto plan = decode_plan(bytes, "fuzz");
  if (!plan) {
    require_refusal(plan.error(), "fuzz");
    return;
  }
  const std::string written = encode_plan(*plan);
  const auto again = decode_plan(written, "fuzz");
  require(again && *again == *plan && again->hash() == plan->hash() && encode_plan(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(std::string(bytes));
  check(sealed(bytes));
  Json document = Json::parse(bytes, nullptr, false);
  if (!document.is_object()) return 0;
  document.erase("self");
  document["plan_hash"] = hash_of(document);
  check(seal_json(document));
  return 0;
}
