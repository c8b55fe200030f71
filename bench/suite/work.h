// What a benchmark is: a piece of work, those who do it, and how much better ours has to be.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/suite/measure.h"

namespace changevault::bench {

struct Contender {
  std::string name;
  // Prepares (not measured), does the work once, checks the result; throws Failed where it is wrong.
  std::function<Sample()> run;
  int runs_at_most = 100;  // slow peers are run less often
};

enum class GoalKind {
  kWallRatio,  // ours does at least `wanted` times the amount per second of the contender `peer`
  kCpuRatio,   // ours needs at most a `wanted`-th of the CPU time per amount
  kRate,       // at least `wanted` per second
  kCpuRate,    // at least `wanted` per second of CPU time
  kSeconds,    // at most `wanted` seconds
  kPeak,       // at most `wanted` bytes resident
  kPeakRatio,  // at most `wanted` times the peak memory of the contender `peer`
};

struct Goal {
  GoalKind kind;
  double wanted = 0;
  std::size_t peer = 0;  // index into Work::contenders
};

struct Work {
  std::string id;  // one word, for --only and for comparisons
  std::string title;
  std::string unit;                   // of Sample::amount
  std::vector<Contender> contenders;  // ours first
  std::vector<Goal> goals;
};

// The best of several runs of each contender: noise of other programs only ever adds.
struct ContenderResult {
  std::string name;
  Sample best;  // least wall, least cpu, least peak, each for itself
  int runs = 0;
};

struct GoalResult {
  Goal goal;
  double reached = 0;  // in the terms of Goal::wanted
  bool met = false;
};

struct WorkResult {
  std::string id;
  std::string title;
  std::string unit;
  std::vector<ContenderResult> contenders;
  std::vector<GoalResult> goals;
};

// Runs the contenders in turn, `rounds` times, so that all of them meet the same weather.
WorkResult measure(const Work& work, int rounds);

}  // namespace changevault::bench
