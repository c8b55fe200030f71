// Our own functions in a DuckDB database.
#pragma once

#include "base/result.h"
#include "warehouse/duckdb/duckdb_session.h"

namespace changevault {

// cv_digest_bits(VARCHAR) -> UBIGINT: EventId::of_text(event_id).high, what digests sum.
// cv_identity(VARCHAR) -> UHUGEINT: equal for equal texts only (128 bits), and cheaper to group by than the
// text. Does nothing where the database has them.
Result<void> register_functions(DuckDbConnection& connection);

}  // namespace changevault
