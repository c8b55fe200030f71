// A year of fifty collections with one seal an hour, and five million rows of it in DuckDB: the ledger
// written with the real encoders, the warehouse filled by SQL. One hour of one collection is not in the
// warehouse: that cell's segments are real, as gaps reads them; of all others there is only what the ledger
// says.
#pragma once

#include "bench/suite/dataset.h"
#include "model/hour.h"
#include "model/ns.h"

namespace changevault::bench {

struct YearSize {
  std::int64_t rows = 5'000'000;
  std::int64_t hours = 8760;
  std::int64_t collections = 50;
  std::int64_t cells() const { return hours * collections; }
  std::int64_t cell_of(std::int64_t row) const { return row * cells() / rows; }
  std::int64_t lost_cell() const { return (hours / 2) * collections + collections / 3; }
};

inline constexpr Hour kYearsFirst{482'136};  // 2025-01-01T00:00:00Z
Namespace year_namespace(std::int64_t collection);

// The vault, made unless it is there; throws Failed.
std::filesystem::path make_year(const Bench& bench, const YearSize& size);

}  // namespace changevault::bench
