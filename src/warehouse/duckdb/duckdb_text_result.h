// A statement's result as text, for people.
#pragma once

#include <string>

#include "base/result.h"
#include "warehouse/duckdb/duckdb_session.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Runs the statements of `text` in order and gives the result of the last one, every value of whatever type
// as DuckDB itself casts it to VARCHAR. kUsage, with the first line of what DuckDB says, for what it refuses.
Result<SqlTable> run_as_text(DuckDbConnection& connection, const std::string& text);

}  // namespace changevault
