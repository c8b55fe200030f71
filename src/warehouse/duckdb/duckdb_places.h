// Where the rows of the table stand, hour and collection, in SQL.
#pragma once

#include <string>

#include "model/scope.h"
#include "warehouse/duckdb/duckdb_session.h"

namespace changevault {

// The hour (rounded down, also before 1970), database and collection of a row whose time is finite.
inline constexpr const char* kPlaceOfRow =
    "(epoch_ms(enqueued_time) + 10800000000000000) // 3600000 - 3000000000 AS hour, "
    "coalesce(database_name, '') AS database, coalesce(collection_name, '') AS collection";

// True of rows that belong to an hour: their time is neither NULL nor infinite. Never NULL itself.
inline constexpr const char* kHasTime = "coalesce(isfinite(enqueued_time), false)";

// " AND …": the whole hours of `time`, as conditions on enqueued_time. Bounds beyond what a TIMESTAMP can
// hold are none.
std::string time_conditions(const TimeRange& time);

// Appends " AND column = ?", unless `name` is empty or a glob.
void add_name_condition(const char* column, const std::string& name, std::string& where,
                        DuckDbValues& values);

}  // namespace changevault
