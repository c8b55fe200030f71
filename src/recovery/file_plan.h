// A recovery from files that people made or worked on, in place of the archive's own segments.
//
// The problem: nothing vouches for such a file. So every line is proven to be a record, its event_id is held
// against its event and against what the archive holds of the same hour and collection, and what cannot be
// proven is counted and said, in the plan and behind it in the audit trail.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/catalog.h"
#include "recovery/plan.h"
#include "store/object_store.h"

namespace changevault {

struct FilePlanRequest {
  std::string id;
  Scope scope;                    // what of the files is taken
  std::vector<std::string> keys;  // of the store or of local files (store/store_with_files.h); each once
  std::string source_id;          // [source] id: what event_ids are made from
  bool accept_changed = false;    // rows that the archive holds with other content: the operator's word
  Timestamp now{};
  Actor actor;
  std::int64_t ids_in_memory = 1'000'000;
  std::stop_token stop;
};

// `archive`: the listed segments that may hold the files' records, by their hours and collections; called
// once. Reads each file twice or more, and those segments.
//
// Errors: kValidation, naming file and line, for what is no record; for an event_id that neither its event
// nor the archive vouches for; for one that stands in the files with two contents; for content that the
// archive holds otherwise, unless that is accepted. What store and warehouse say; kCancelled. A segment that
// is damaged or gone proves nothing and is counted.
using SegmentsOf =
    std::function<Result<std::vector<const ListedSegment*>>(const std::vector<PlannedCell>& cells)>;
Result<RecoveryPlan> plan_from_files(const FilePlanRequest& request, ObjectStore& store,
                                     const SegmentsOf& archive, Warehouse& warehouse,
                                     const PlanProgress& progress);

// Whether every planned file still has its bytes. kStalePlan naming the first that has not.
Result<void> check_files_fit(const RecoveryPlan& plan, ObjectStore& store, std::stop_token stop);

}  // namespace changevault
