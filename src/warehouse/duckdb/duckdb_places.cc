#include "warehouse/duckdb/duckdb_places.h"

namespace changevault {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

bool is_glob(const std::string& name) {
  return name.find_first_of("*?[\\") != std::string::npos;
}

std::string timestamp(Timestamp time) {
  return "make_timestamp(" + std::to_string(time.ms * 1000) + ")";
}

}  // namespace

std::string time_conditions(const TimeRange& time) {
  constexpr std::int64_t kLimit = INT64_MAX / 4000;
  std::string out;
  if (time.from.ms > -kLimit) out += " AND enqueued_time >= " + timestamp(hour_of(time.from).start());
  if (time.to.ms < kLimit)
    out += " AND enqueued_time < " + timestamp(hour_of({time.to.ms + kHourMs - 1}).start());
  return out;
}

void add_name_condition(const char* column, const std::string& name, std::string& where,
                        DuckDbValues& values) {
  if (name.empty() || is_glob(name)) return;
  where += std::string(" AND ") + column + " = ?";
  values.emplace_back(name);
}

}  // namespace changevault
