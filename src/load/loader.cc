#include "load/loader.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "archive/segment_feed.h"

namespace changevault {
namespace {

// Takes segments from `at` on until their text is enough; at least one.
std::vector<SegmentRef> take_batch(const std::vector<ListedRef>& segments, std::size_t& at,
                                   std::int64_t text_bytes) {
  std::vector<SegmentRef> out;
  std::int64_t taken = 0;
  while (at < segments.size() && (out.empty() || taken + segments[at].text_bytes <= text_bytes)) {
    taken += segments[at].text_bytes;
    out.push_back(segments[at++].ref);
  }
  return out;
}

// One that was loaded before is given back without rows.
bool was_loaded_now(const LoadedSegment& segment) {
  return segment.rows > 0 || segment.segment.records == 0;
}

void add(LoadTotals& totals, const LoadedSegment& segment) {
  totals.segments += 1;
  totals.rows += segment.rows;
  totals.inserted += segment.inserted;
  totals.already_present += segment.already_present;
}

// Tells, now and then, how many records went through.
class CountedFeed final : public RecordFeed {
 public:
  CountedFeed(RecordFeed& inner, std::function<void(std::int64_t)> tell)
      : inner_(inner), tell_(std::move(tell)) {}

  Result<void> read(const SegmentRef& segment, const EachRecord& each) override {
    return inner_.read(segment, counted(each));
  }
  Result<void> read_facts(const SegmentRef& segment, const EachRecord& each) override {
    return inner_.read_facts(segment, each);  // looks only; the rows are read afterwards
  }
  Result<void> read_chosen(const SegmentRef& segment, const Choose& choose, const EachRecord& each) override {
    return inner_.read_chosen(segment, choose, counted(each));
  }

 private:
  EachRecord counted(const EachRecord& each) {
    return [this, &each](const RecordView& record) -> Result<void> {
      if (++records_ % 4096 == 0) tell_(records_);
      return each(record);
    };
  }

  RecordFeed& inner_;
  std::function<void(std::int64_t)> tell_;
  std::int64_t records_ = 0;
};

// Errors that pass by themselves.
bool passes(const Error& error) {
  return error.retryable && (error.code == ErrorCode::kBusy || error.code == ErrorCode::kUnreachable);
}

}  // namespace

Loader::Loader(ObjectStore& store, const KeyLayout& layout, Warehouse& warehouse, Clock& clock,
               LoaderOptions options)
    : store_(store), warehouse_(warehouse), clock_(clock), options_(options), cursor_(store, layout) {}

void Loader::on_progress(std::function<void(const LoadTotals&)> progress) {
  progress_ = std::move(progress);
}

void Loader::on_wait(std::function<void(const std::string&)> wait) {
  wait_ = std::move(wait);
}

Result<LoadTotals> Loader::run(bool once, std::stop_token stop) {
  LoadTotals totals;
  while (true) {
    const Result<void> done = load_listed(totals, stop);
    if (once && !done) return done.error();
    if (once || stop.stop_requested()) return totals;
    if (!done && !passes(done.error()) && !damage_) return done.error();
    tell_wait(done);
    if (!clock_.sleep(options_.poll_interval, stop)) return totals;
  }
}

void Loader::tell_wait(const Result<void>& done) {
  const std::string reason = done ? "" : done.error().to_string();
  if (reason == std::exchange(waiting_for_, reason) || !wait_) return;
  wait_(done ? "loading goes on" : "loading waits and tries again: " + reason);
}

Result<void> Loader::load_listed(LoadTotals& totals, const std::stop_token& stop) {
  const std::optional<Error> known = std::exchange(damage_, std::nullopt);
  CV_TRY(cursor_.follow());
  const bool looked_just_now = mark_ && clock_.steady().ms - looked_.ms < options_.look_interval.ms;
  if (!looked_just_now) CV_TRY(cursor_.look_at_damage());
  for (; taken_ < cursor_.slots().size(); ++taken_) pending_.insert(cursor_.slots()[taken_]);
  tell_damage();
  if (pending_.empty() && looked_just_now) {
    if (!damage_) damage_ = known;
    return damage_ ? Result<void>(*damage_) : Result<void>();
  }
  if (!looked_just_now) pending_.insert(damaged_.begin(), damaged_.end());  // somebody may have repaired them
  CV_TRY(compare_with_warehouse());
  totals.waiting = 0;
  for (const ListedSlot& slot : pending_) totals.waiting += slot.segments;
  while (!pending_.empty()) {
    std::vector<ListedSlot> slots;
    CV_ASSIGN(const std::vector<ListedRef> window, take_window(slots));
    window_damaged_ = false;
    for (std::size_t at = 0; at < window.size();) {
      if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      CV_TRY(load_batch(take_batch(window, at, options_.batch_text_bytes), totals, stop));
    }
    for (const ListedSlot& slot : slots) {
      pending_.erase(slot);
      window_damaged_ ? static_cast<void>(damaged_.insert(slot)) : static_cast<void>(damaged_.erase(slot));
    }
  }
  return damage_ ? Result<void>(*damage_) : Result<void>();
}

// A slot of which nothing is known is damage; one that the seals tell is loaded all the same.
void Loader::tell_damage() {
  for (const auto& [place, damage] : cursor_.damage()) {
    if (!damage.told && !damage_) {
      damage_ = damage.error;
      damage_->message += "; all that is listed elsewhere is loaded, what it listed is not";
      damage_->hint = "see what can be put right with: changevault repair; then load again";
    }
    if (!damage.told || !told_.insert(damage.error.object).second || !wait_) continue;
    wait_("warning: " + damage.error.object + ": " + damage.error.message +
          "; what it listed is known from elsewhere and loaded. See what can be put right with: changevault "
          "repair");
  }
}

Result<void> Loader::compare_with_warehouse() {
  CV_ASSIGN(const LoadMark mark, warehouse_.load_mark());
  looked_ = clock_.steady();
  if (mark_ == mark) return {};
  // Read behind the mark: what is loaded in between makes the next mark another one.
  CV_ASSIGN(const std::vector<LoadedSlot> loaded, warehouse_.loaded_slots());
  std::map<std::pair<PartitionId, Slot>, const LoadedSlot*> by_place;
  for (const LoadedSlot& slot : loaded) by_place[{slot.partition, slot.slot}] = &slot;
  pending_.clear();
  for (const ListedSlot& slot : cursor_.slots()) {
    const auto found = by_place.find({slot.partition, slot.slot});
    const bool all = found != by_place.end() && found->second->segments == slot.segments &&
                     found->second->digest == slot.digest;
    if (!all) pending_.insert(slot);
  }
  mark_ = mark;
  return {};
}

Result<std::vector<ListedRef>> Loader::take_window(std::vector<ListedSlot>& slots) {
  std::vector<ListedRef> window;
  std::int64_t text_bytes = 0;
  for (const ListedSlot& slot : pending_) {
    if (text_bytes >= options_.batch_text_bytes) break;
    CV_ASSIGN(std::vector<ListedRef> segments, cursor_.segments_of(slot));
    for (ListedRef& segment : segments) {
      text_bytes += segment.text_bytes;
      window.push_back(std::move(segment));
    }
    slots.push_back(slot);
  }
  // The events of a document come in their order.
  const auto place = [](const ListedRef& s) { return std::tie(s.hour, s.ref.partition, s.first, s.ref.key); };
  std::sort(window.begin(), window.end(),
            [&](const ListedRef& a, const ListedRef& b) { return place(a) < place(b); });
  return window;
}

// A segment that cannot be read costs itself only: the others of its batch are loaded without it.
Result<void> Loader::load_batch(std::vector<SegmentRef> batch, LoadTotals& totals,
                                const std::stop_token& stop) {
  while (!batch.empty()) {
    const Result<void> loaded = load_whole(batch, totals, stop);
    if (loaded || loaded.error().code != ErrorCode::kCorrupt) return loaded;
    const auto damaged = std::find_if(batch.begin(), batch.end(), [&](const SegmentRef& segment) {
      return segment.key == loaded.error().object;
    });
    if (damaged == batch.end()) return loaded;
    batch.erase(damaged);
    window_damaged_ = true;
    if (!damage_) {
      damage_ = loaded.error();
      damage_->message += "; all that can be read is loaded";
      damage_->hint =
          "put it back with 'changevault repair', then load again; 'changevault verify' names all damage";
    }
  }
  return {};
}

Result<void> Loader::load_whole(const std::vector<SegmentRef>& batch, LoadTotals& totals,
                                const std::stop_token& stop) {
  const Scope everything;
  SegmentFeed segments(store_, everything, stop);
  CountedFeed feed(segments, [&](std::int64_t records) {
    totals.reading = records;
    if (progress_) progress_(totals);
  });
  const Duration begin = clock_.steady();
  CV_ASSIGN(const std::vector<LoadedSegment> done, warehouse_.load(batch, feed));
  totals.spent.ms += clock_.steady().ms - begin.ms;
  totals.reading = 0;
  std::int64_t loaded = 0;
  for (const LoadedSegment& segment : done) {
    if (!was_loaded_now(segment)) continue;
    add(totals, segment);
    ++loaded;
  }
  totals.waiting = std::max<std::int64_t>(0, totals.waiting - static_cast<std::int64_t>(done.size()));
  if (progress_) progress_(totals);
  CV_ASSIGN(const LoadMark mark, warehouse_.load_mark());
  looked_ = clock_.steady();
  const bool only_ours =
      mark_ && mark.insertions == mark_->insertions + 1 && mark.live_loads == mark_->live_loads + loaded;
  mark_ = only_ours ? std::optional(mark) : std::nullopt;
  return {};
}

}  // namespace changevault
