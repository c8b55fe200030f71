#include "archive/chain_reader.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "archive/ledger_problem.h"
#include "base/mutex.h"

namespace changevault {
namespace {

// Slots that are read and wait for their turn. A slot is at most some MiB.
constexpr std::int64_t kWindow = 32;
constexpr std::int64_t kMostThreads = 4;

// Workers take the next slot that fits into the window and put what they found at its place; the caller's
// thread takes the places in order.
class ReadAhead {
 public:
  ReadAhead(ObjectStore& store, const std::string& folder, SlotRange range)
      : store_(store), folder_(folder), range_(range), next_(range.from), places_(kWindow) {}

  ~ReadAhead() {
    {
      const MutexLock lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void start(std::int64_t threads) {
    for (std::int64_t n = 0; n < threads; ++n) workers_.emplace_back([this] { work(); });
  }

  SlotOutcome take(Slot slot) {
    MutexLock lock(mutex_);
    std::optional<SlotOutcome>& place = place_of(slot);
    while (!place) filled_.wait(mutex_);
    SlotOutcome outcome = std::move(*place);
    place.reset();
    taken_ = slot.next();
    lock.unlock();
    room_.notify_one();
    return outcome;
  }

 private:
  std::optional<SlotOutcome>& place_of(Slot slot) CV_REQUIRES(mutex_) {
    return places_[static_cast<std::size_t>(slot.value % kWindow)];
  }

  bool may_go_on() const CV_REQUIRES(mutex_) {
    return stopped_ || next_ >= range_.end || next_.value < std::max(taken_, range_.from).value + kWindow;
  }

  void work() {
    Chain chain(store_, folder_);
    MutexLock lock(mutex_);
    while (true) {
      while (!may_go_on()) room_.wait(mutex_);
      if (stopped_ || next_ >= range_.end) return;
      const Slot slot = std::exchange(next_, next_.next());
      lock.unlock();
      SlotOutcome outcome = read_entry(chain, slot);
      lock.lock();
      place_of(slot) = std::move(outcome);
      filled_.notify_one();
    }
  }

  ObjectStore& store_;
  const std::string& folder_;
  const SlotRange range_;
  Mutex mutex_;
  CondVar filled_;
  CondVar room_;
  Slot next_ CV_GUARDED_BY(mutex_);     // the next to be read
  Slot taken_ CV_GUARDED_BY(mutex_){};  // behind the last one given to the caller
  bool stopped_ CV_GUARDED_BY(mutex_) = false;
  std::vector<std::optional<SlotOutcome>> places_ CV_GUARDED_BY(mutex_);
  std::vector<std::thread> workers_;
};

}  // namespace

Result<void> read_slots(ObjectStore& store, const std::string& folder, SlotRange range,
                        const std::function<Result<void>(Slot, SlotOutcome)>& each) {
  const std::int64_t slots = range.end.value - range.from.value;
  if (slots <= 2) {  // not worth a thread
    Chain chain(store, folder);
    for (Slot slot = range.from; slot < range.end; slot = slot.next())
      CV_TRY(each(slot, read_entry(chain, slot)));
    return {};
  }
  ReadAhead ahead(store, folder, range);
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  ahead.start(std::min({slots, kMostThreads, std::max<std::int64_t>(cores, 1)}));
  for (Slot slot = range.from; slot < range.end; slot = slot.next()) CV_TRY(each(slot, ahead.take(slot)));
  return {};
}

Result<void> walk_slots(ObjectStore& store, const std::string& folder, SlotRange range, std::string& previous,
                        const std::function<Result<void>(const WalkedEntry&)>& each) {
  return read_slots(store, folder, range, [&](Slot, SlotOutcome outcome) -> Result<void> {
    CV_ASSIGN(const WalkedEntry walked, std::move(outcome));
    if (walked.entry.header.previous != previous) {
      return slot_rewritten(walked.key);
    }
    CV_TRY(each(walked));
    previous = walked.sha256;
    return {};
  });
}

}  // namespace changevault
