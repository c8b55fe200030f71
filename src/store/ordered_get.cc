#include "store/ordered_get.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace changevault {
namespace {

// Workers take the next range as long as there is room in the window; the caller takes them out in order.
class Window {
 public:
  Window(std::size_t ranges, std::size_t at_once) : ranges_(ranges), slots_(at_once) {}

  // The next range to fetch; nullopt: none is left, or it is over.
  std::optional<std::size_t> next() {
    const MutexLock lock(mutex_);
    while (!over_ && next_ < ranges_ && next_ >= taken_ + slots_.size()) changed_.wait(mutex_);
    if (over_ || next_ >= ranges_) return std::nullopt;
    return next_++;
  }
  void put(std::size_t range, Result<std::string> bytes) {
    const MutexLock lock(mutex_);
    slots_[range % slots_.size()] = std::move(bytes);
    changed_.notify_all();
  }
  Result<std::string> take(std::size_t range) {
    const MutexLock lock(mutex_);
    std::optional<Result<std::string>>& slot = slots_[range % slots_.size()];
    while (!slot) changed_.wait(mutex_);
    Result<std::string> bytes = std::move(*slot);
    slot.reset();
    taken_ = range + 1;
    changed_.notify_all();
    return bytes;
  }
  void end() {
    const MutexLock lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t ranges_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::optional<Result<std::string>>> slots_ CV_GUARDED_BY(mutex_);
  std::size_t next_ CV_GUARDED_BY(mutex_) = 0;
  std::size_t taken_ CV_GUARDED_BY(mutex_) = 0;
  bool over_ CV_GUARDED_BY(mutex_) = false;
};

struct EndsWindow {
  Window& window;
  ~EndsWindow() { window.end(); }
};

Result<void> take_all(Window& window, std::size_t ranges, const EachPiece& each) {
  for (std::size_t range = 0; range < ranges; ++range) {
    CV_ASSIGN(const std::string piece, window.take(range));
    CV_TRY(each(piece));
  }
  return {};
}

}  // namespace

Result<void> get_in_order(ObjectStore& store, const std::string& key, const OrderedGet& options,
                          const EachPiece& each) {
  const EachPiece stoppable = [&](std::string_view piece) -> Result<void> {
    if (options.stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped", key);
    return each(piece);
  };
  const bool small = options.bytes >= 0 && options.bytes <= options.range_bytes;
  if (options.at_once <= 1 || small) return store.read(key, 0, {}, stoppable);
  CV_ASSIGN(const ObjectInfo object, store.head(key));
  const auto ranges =
      static_cast<std::size_t>((object.bytes + options.range_bytes - 1) / options.range_bytes);
  const auto workers = std::min(ranges, static_cast<std::size_t>(options.at_once));
  if (workers <= 1) return store.read(key, 0, object.etag, stoppable);
  Window window(ranges, workers);
  std::vector<std::jthread> threads;
  const EndsWindow ends{window};  // before the threads are joined, however this is left
  for (std::size_t i = 0; i < workers; ++i) {
    threads.emplace_back([&] {
      while (const auto range = window.next()) {
        const ByteRange wanted{static_cast<std::int64_t>(*range) * options.range_bytes, options.range_bytes};
        window.put(*range, store.get(key, wanted, object.etag));
      }
    });
  }
  return take_all(window, ranges, stoppable);
}

}  // namespace changevault
