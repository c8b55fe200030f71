// Archive to warehouse: the daemon behind `load`. Follows the ledger and loads each listed segment once.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/clock.h"
#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct LoadTotals {
  std::int64_t segments = 0;
  std::int64_t rows = 0;
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;
};

struct LoaderOptions {
  Duration poll_interval = seconds(2);  // between two looks at the ledger
  // Inflated text in one transaction, at least one segment. Below some 200 MiB an embedded warehouse writes
  // its last, partly filled group of rows again with every batch.
  std::int64_t batch_text_bytes = std::int64_t{256} << 20;
};

// References outlive the loader.
class Loader {
 public:
  Loader(ObjectStore& store, const KeyLayout& layout, Warehouse& warehouse, Clock& clock,
         LoaderOptions options);
  void on_progress(std::function<void(const LoadTotals&)> progress);
  // `once`: until everything listed now is loaded; else until `stop`. Killed anywhere, the next run goes on;
  // no row is inserted twice. kBusy and kUnreachable that are retryable are retried while following.
  Result<LoadTotals> run(bool once, std::stop_token stop);

 private:
  // One look at the ledger: loads what it lists and the warehouse lacks.
  Result<void> load_listed(LoadTotals& totals, const std::stop_token& stop);

  ObjectStore& store_;
  const KeyLayout& layout_;
  Warehouse& warehouse_;
  Clock& clock_;
  LoaderOptions options_;
  std::function<void(const LoadTotals&)> progress_;
};

}  // namespace changevault
