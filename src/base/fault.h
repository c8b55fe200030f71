// Faults that tests put in front of a hub, a store or a warehouse (FaultyHub, FaultyStore, FaultyWarehouse).
//
// One kind for all three: a hook is asked before every call and says what becomes of it. A hook may also
// change what stands behind the decorator (the other writer that comes first), move a clock (a slow answer),
// or throw or exit (the process that dies here).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace changevault {

enum class Fault {
  kNone,
  kFailBefore,  // the request never arrived: no effect, an error
  kFailAfter,   // the answer was lost: the effect is there, an error all the same
  kPartial,     // the first half of the effect, and an error; as kFailBefore where an operation has no halves
  kWrongAnswer,  // a success that is not true, where the operation's caller can find that out; else as kNone
};

// `object`: what the call is about (a key, a group, a side table); empty where it is about the whole.
template <typename Operation>
using FaultHook = std::function<Fault(Operation operation, const std::string& object)>;

// kUnreachable and retryable: what a caller is told of a request that got no answer.
Error injected_error(Fault fault, const char* operation, const std::string& object);

// The call as `fault` has it, for operations without halves and without a wrong answer.
template <typename Call>
auto call_with(Fault fault, const char* operation, const std::string& object, Call call) -> decltype(call()) {
  switch (fault) {
    case Fault::kNone:
    case Fault::kWrongAnswer:
      return call();
    case Fault::kFailAfter:
      ignore_error(call(), "the caller is told that the answer was lost");
      break;
    case Fault::kFailBefore:
    case Fault::kPartial:
      break;
  }
  return injected_error(fault, operation, object);
}

// What may happen to a call. All but kCrash, kSlow and kTimeout are the Fault of the same name.
enum class Mishap { kFailBefore, kFailAfter, kPartial, kWrongAnswer, kSlow, kTimeout, kCrash };
constexpr std::size_t kMishaps = 7;

// Draws what happens to each call from a seed: the same seed and the same calls, the same mishaps. Print the
// seed.
//
// kSlow: the clock moves by `slow`, then the true answer. kTimeout: it moves by `timeout`, the effect is
// there, the answer is lost. kCrash: throws Crash on the thread that made this object; calls of its other
// threads get no answer from then on, nor does anything of this process after it was caught and until
// `revive`.
//
// Thread-safe. `clock` outlives it.
class RandomFaults {
 public:
  struct Crash {};
  struct Odds {  // of 1000 calls
    int fail_before = 0;
    int fail_after = 0;
    int partial = 0;
    int wrong_answer = 0;
    int slow = 0;
    int timeout = 0;
    int crash = 0;
    static Odds all(int each) { return {each, each, each, each, each, each, each}; }
  };

  RandomFaults(std::uint64_t seed, Clock& clock, Odds odds, Duration slow = seconds(2),
               Duration timeout = seconds(30));

  // Of the next call. Throws Crash.
  Fault next();
  // A new process: its calls are answered again.
  void revive();
  // From now on nothing happens.
  void calm();
  std::int64_t count(Mishap mishap) const;

 private:
  int draw();
  Fault happen(Mishap mishap);

  Clock& clock_;
  const Duration slow_;
  const Duration timeout_;
  const std::thread::id thread_ = std::this_thread::get_id();
  mutable Mutex mutex_;
  std::mt19937_64 dice_ CV_GUARDED_BY(mutex_);
  std::array<int, kMishaps> odds_ CV_GUARDED_BY(mutex_);
  std::array<std::int64_t, kMishaps> counts_ CV_GUARDED_BY(mutex_) = {};
  bool dead_ CV_GUARDED_BY(mutex_) = false;
};

}  // namespace changevault
