// What the parts of the memory warehouse ask of its rows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/event_id.h"
#include "model/hour.h"
#include "model/ns.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault {

inline Namespace namespace_of(const MemoryWarehouse::Row& row) {
  return {row.database_name.value_or(""), row.collection_name.value_or("")};
}

// As WarehouseCell says it.
inline std::uint64_t exact_bits(const MemoryWarehouse::Row& row) {
  const bool capitals =
      row.event_id.size() == 32 && row.event_id.find_first_of("ABCDEF") != std::string::npos;
  const std::uint64_t bits = EventId::of_text(row.event_id).high;
  return capitals ? ~bits : bits;
}

// As NULL and the infinite ones of a real table.
inline bool has_time(const MemoryWarehouse::Row& row) {
  return row.enqueued_time != TimeRange{}.from && row.enqueued_time != TimeRange{}.to;
}

inline std::optional<Hour> hour_of_row(const MemoryWarehouse::Row& row) {
  return has_time(row) ? std::optional(hour_of(row.enqueued_time)) : std::nullopt;
}

inline Result<void> check_stage_id(const std::string& id) {
  const std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  if (!id.empty() && id.find_first_not_of(allowed) == std::string::npos) return {};
  return Error(ErrorCode::kUsage, "not the id of a recovery", id, "ids are made of a-z, 0-9 and _");
}

}  // namespace changevault
