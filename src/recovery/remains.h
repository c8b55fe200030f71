// What a recovery left in the warehouse whose plan or journal is damaged or gone, so that nobody can carry it
// out or end it any more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct Remains {
  Error damage;                          // of the plan or of the journal
  std::vector<std::string> side_tables;  // names as of chunks
  std::int64_t merged_parts = 0;         // with load records in the warehouse
  std::int64_t inserted = 0;             // rows, by those
};

// Why `id` can be neither resumed nor ended, as an error that is kCorrupt or kNotFound; nullopt where plan
// and journal are whole. A journal without a single slot is damage only where the warehouse has something of
// the recovery: else it died before its first step. Errors: kNotFound where neither store nor warehouse know
// such a recovery; what they say.
Result<std::optional<Remains>> find_remains(ObjectStore& store, const KeyLayout& layout, Warehouse& warehouse,
                                            const std::string& id);

// Drops the side tables, and nothing else: plan and journal stay as they are. Only for recoveries that nobody
// is working on. Again after an error: drops the rest.
Result<void> drop_side_tables(Warehouse& warehouse, const Remains& remains);

}  // namespace changevault
