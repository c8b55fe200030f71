#include "load/loader.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "archive/catalog.h"
#include "archive/segment_feed.h"

namespace changevault {
namespace {

struct Pending {
  SegmentRef ref;
  std::int64_t text_bytes = 0;
};

// What the ledger lists and the warehouse has not loaded, oldest hour first; within it by partition and
// position, so that the events of a document come in their order.
Result<std::vector<Pending>> find_pending(const Catalog& catalog,
                                          const std::map<std::string, std::string>& loaded) {
  std::vector<const ListedSegment*> listed;
  for (const ListedSegment& segment : catalog.segments()) {
    const auto found = loaded.find(segment.facts.key);
    if (found == loaded.end()) {
      listed.push_back(&segment);
    } else if (found->second != segment.facts.sha256) {
      return Error(ErrorCode::kCorrupt,
                   "the warehouse loaded a segment with sha256 " + found->second + ", the ledger says " +
                       segment.facts.sha256,
                   segment.facts.key, "run `changevault verify`, and see `changevault audit --segment`");
    }
  }
  const auto place = [](const ListedSegment* s) {
    return std::tie(s->facts.hour, s->facts.partition, s->facts.first, s->facts.key);
  };
  std::sort(listed.begin(), listed.end(), [&](const auto* a, const auto* b) { return place(a) < place(b); });
  std::vector<Pending> out;
  for (const ListedSegment* s : listed) {
    out.push_back({{s->facts.key, s->facts.sha256, s->facts.partition, s->slot, s->facts.records},
                   s->facts.text_bytes});
  }
  return out;
}

// Takes segments from `at` on until their text is enough; at least one.
std::vector<SegmentRef> take_batch(const std::vector<Pending>& pending, std::size_t& at,
                                   std::int64_t text_bytes) {
  std::vector<SegmentRef> out;
  std::int64_t taken = 0;
  while (at < pending.size() && (out.empty() || taken + pending[at].text_bytes <= text_bytes)) {
    taken += pending[at].text_bytes;
    out.push_back(pending[at++].ref);
  }
  return out;
}

void add(LoadTotals& totals, const std::vector<LoadedSegment>& loaded) {
  for (const LoadedSegment& segment : loaded) {
    totals.segments += 1;
    totals.rows += segment.rows;
    totals.inserted += segment.inserted;
    totals.already_present += segment.already_present;
  }
}

// Errors that pass by themselves.
bool passes(const Error& error) {
  return error.retryable && (error.code == ErrorCode::kBusy || error.code == ErrorCode::kUnreachable);
}

}  // namespace

Loader::Loader(ObjectStore& store, const KeyLayout& layout, Warehouse& warehouse, Clock& clock,
               LoaderOptions options)
    : store_(store), layout_(layout), warehouse_(warehouse), clock_(clock), options_(options) {}

void Loader::on_progress(std::function<void(const LoadTotals&)> progress) {
  progress_ = std::move(progress);
}

Result<LoadTotals> Loader::run(bool once, std::stop_token stop) {
  LoadTotals totals;
  while (true) {
    const Result<void> done = load_listed(totals, stop);
    if (once && !done) return done.error();
    if (once || stop.stop_requested()) return totals;
    if (!done && !passes(done.error())) return done.error();
    if (!clock_.sleep(options_.poll_interval, stop)) return totals;
  }
}

Result<void> Loader::load_listed(LoadTotals& totals, const std::stop_token& stop) {
  CV_ASSIGN(const Catalog catalog, Catalog::read(store_, layout_));
  CV_ASSIGN(const auto loaded, warehouse_.live_loads());
  CV_ASSIGN(const std::vector<Pending> pending, find_pending(catalog, loaded));
  const Scope everything;
  SegmentFeed feed(store_, everything, stop);
  for (std::size_t at = 0; at < pending.size();) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    const std::vector<SegmentRef> batch = take_batch(pending, at, options_.batch_text_bytes);
    CV_ASSIGN(const std::vector<LoadedSegment> done, warehouse_.load(batch, feed));
    add(totals, done);
    if (progress_) progress_(totals);
  }
  return {};
}

}  // namespace changevault
