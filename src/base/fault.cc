#include "base/fault.h"

#include "base/mutex.h"

namespace changevault {
namespace {

constexpr int kOf = 1000;
constexpr int kNothing = -1;

}  // namespace

Error injected_error(Fault fault, const char* operation, const std::string& object) {
  std::string message = std::string("injected fault, ") + operation;
  switch (fault) {
    case Fault::kFailAfter:
      message += " was done but its answer is lost";
      break;
    case Fault::kPartial:
      message += " was not done, or in part";
      break;
    case Fault::kNone:
    case Fault::kFailBefore:
    case Fault::kWrongAnswer:
      message += " was not done";
      break;
  }
  return Error(ErrorCode::kUnreachable, std::move(message), object, {}, true);
}

RandomFaults::RandomFaults(std::uint64_t seed, Clock& clock, Odds odds, Duration slow, Duration timeout)
    : clock_(clock), slow_(slow), timeout_(timeout), dice_(seed), odds_{odds.fail_before, odds.fail_after,
                                                                        odds.partial,     odds.wrong_answer,
                                                                        odds.slow,        odds.timeout,
                                                                        odds.crash} {}

Fault RandomFaults::next() {
  const int drawn = draw();
  return drawn == kNothing ? Fault::kNone : happen(static_cast<Mishap>(drawn));
}

int RandomFaults::draw() {
  const MutexLock lock(mutex_);
  if (dead_) return static_cast<int>(Mishap::kCrash);
  int left = static_cast<int>(dice_() % kOf);
  for (std::size_t i = 0; i < kMishaps; ++i) {
    left -= odds_[i];
    if (left >= 0) continue;
    const auto mishap = static_cast<Mishap>(i);
    // A process dies where its main thread stands: elsewhere it would take the test with it.
    if (mishap == Mishap::kCrash && std::this_thread::get_id() != thread_) return kNothing;
    ++counts_[i];
    dead_ = mishap == Mishap::kCrash;
    return static_cast<int>(i);
  }
  return kNothing;
}

Fault RandomFaults::happen(Mishap mishap) {
  switch (mishap) {
    case Mishap::kFailBefore:
      return Fault::kFailBefore;
    case Mishap::kFailAfter:
      return Fault::kFailAfter;
    case Mishap::kPartial:
      return Fault::kPartial;
    case Mishap::kWrongAnswer:
      return Fault::kWrongAnswer;
    case Mishap::kSlow:
      clock_.sleep(slow_, {});
      return Fault::kNone;
    case Mishap::kTimeout:
      clock_.sleep(timeout_, {});
      return Fault::kFailAfter;
    case Mishap::kCrash:
      if (std::this_thread::get_id() == thread_) throw Crash();
      return Fault::kFailBefore;
  }
  return Fault::kNone;
}

void RandomFaults::revive() {
  const MutexLock lock(mutex_);
  dead_ = false;
}

void RandomFaults::calm() {
  const MutexLock lock(mutex_);
  odds_ = {};
  dead_ = false;
}

std::int64_t RandomFaults::count(Mishap mishap) const {
  const MutexLock lock(mutex_);
  return counts_[static_cast<std::size_t>(mishap)];
}

}  // namespace changevault
