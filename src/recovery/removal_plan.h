// Rows that stand more than once in the warehouse: what is to be removed of them, as a value
// (docs/formats/plan.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/scope.h"
#include "recovery/plan.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Of every event_id whose rows are equal in all columns of a record, one row stays. Event_ids whose rows
// differ are counted and never touched; rows that the archive does not hold are no matter of this.
struct RemovalPlan {
  std::string id;  // as a recovery's
  Scope scope;     // whole hours
  std::vector<DuplicateCell> cells;
  DuplicateSum sum;
  Timestamp created{};
  Actor actor;
  bool operator==(const RemovalPlan&) const = default;

  std::int64_t to_remove() const { return sum.rows - sum.ids; }
  std::int64_t unequal_rows() const;
  // SHA-256 over the work: scope, cells, sum.
  std::string hash() const;
};

struct RemovalRequest {
  std::string id;
  Scope scope;
  Timestamp now{};
  Actor actor;
};

// What the warehouse holds of it, with examples of either kind. Only reads. kUsage for a scope that is not of
// whole hours and collections.
struct FoundDuplicates {
  RemovalPlan plan;
  std::vector<DuplicateExample> examples;
  std::vector<DuplicateExample> unequal;
};
Result<FoundDuplicates> plan_removal(const RemovalRequest& request, Warehouse& warehouse,
                                     std::size_t examples);

std::string encode_plan(const RemovalPlan& plan);
Result<RemovalPlan> decode_removal_plan(std::string_view bytes, const std::string& object);

// Whichever of the two stands in a plan file. Errors as of decode_plan.
using AnyPlan = std::variant<RecoveryPlan, RemovalPlan>;
Result<AnyPlan> decode_any_plan(std::string_view bytes, const std::string& object);

}  // namespace changevault
