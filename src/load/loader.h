// Archive to warehouse: the daemon behind `load`. Follows the ledger and loads each listed segment once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "load/ledger_cursor.h"
#include "store/key_layout.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct LoadTotals {
  std::int64_t segments = 0;
  std::int64_t rows = 0;
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;
  Duration spent{};          // in loading, without the waiting for something to load
  std::int64_t reading = 0;  // rows read of the batch that is being loaded
  std::int64_t waiting = 0;  // segments that are listed and not loaded yet
};

struct LoaderOptions {
  Duration poll_interval = seconds(2);  // between two looks at the ledger
  // Between two looks at a warehouse for which there is nothing to load: it may have been replaced.
  Duration look_interval = seconds(30);
  // Inflated text in one transaction, at least one segment. An embedded warehouse compresses whole groups of
  // rows (some 200 MiB of text) while they are read, on all cores, and what is left of one behind the commit:
  // several groups a batch are a third cheaper than one.
  std::int64_t batch_text_bytes = std::int64_t{1} << 30;
};

// What is loaded is known by the warehouse alone; this only keeps what would be costly to ask again and
// again. From the ledger: a line for each slot. From the warehouse: its mark, by which it is seen that
// somebody else loaded, or that the warehouse was emptied, made anew or brought back from a copy. Then, and
// at the start, all slots are compared with its load ledger. A slot that is taken for pending but is loaded
// costs a question, as the warehouse skips what it has; the opposite is what the mark rules out.
//
// References outlive the loader. Not thread-safe.
class Loader {
 public:
  Loader(ObjectStore& store, const KeyLayout& layout, Warehouse& warehouse, Clock& clock,
         LoaderOptions options);
  // Called behind each batch, and while one is read.
  void on_progress(std::function<void(const LoadTotals&)> progress);
  // Told, in words, when following has to wait for something that passes by itself, and when that is over;
  // and once of each ledger slot that is damaged while the seals tell what it listed.
  void on_wait(std::function<void(const std::string&)> wait);
  // `once`: until everything listed now is loaded; else until `stop`. Killed anywhere, the next run goes on;
  // no row is inserted twice. A segment or ledger slot that cannot be read is left out: kCorrupt with `once`
  // when all others are loaded, told and tried again while following. kBusy and kUnreachable that are
  // retryable are retried while following.
  Result<LoadTotals> run(bool once, std::stop_token stop);

 private:
  // One look at the ledger: loads what it lists and the warehouse lacks.
  Result<void> load_listed(LoadTotals& totals, const std::stop_token& stop);
  Result<void> compare_with_warehouse();
  // Segments of the oldest pending slots, as many slots as fill a batch; at least one.
  Result<std::vector<ListedRef>> take_window(std::vector<ListedSlot>& slots);
  Result<void> load_batch(std::vector<SegmentRef> batch, LoadTotals& totals, const std::stop_token& stop);
  Result<void> load_whole(const std::vector<SegmentRef>& batch, LoadTotals& totals,
                          const std::stop_token& stop);
  void tell_wait(const Result<void>& done);
  void tell_damage();

  ObjectStore& store_;
  Warehouse& warehouse_;
  Clock& clock_;
  LoaderOptions options_;
  std::function<void(const LoadTotals&)> progress_;
  std::function<void(const std::string&)> wait_;
  LedgerCursor cursor_;
  std::size_t taken_ = 0;         // of the cursor's slots, into pending_
  std::set<ListedSlot> pending_;  // not known to be loaded
  std::set<ListedSlot> damaged_;  // with segments that could not be read: tried again now and then
  bool window_damaged_ = false;
  std::optional<Error> damage_;   // the first of this look at the ledger
  std::optional<LoadMark> mark_;  // of the warehouse that pending_ was compared with
  Duration looked_{};             // when the mark was last looked at
  std::set<std::string> told_;    // damaged ledger slots
  std::string waiting_for_;       // what was told last; empty: nothing
};

}  // namespace changevault
