#include "bench/suite/work.h"

#include <algorithm>

namespace changevault::bench {
namespace {

void take_best(ContenderResult& result, const Sample& sample) {
  if (result.runs++ == 0) {
    result.best = sample;
    return;
  }
  result.best.wall = std::min(result.best.wall, sample.wall);
  result.best.cpu = std::min(result.best.cpu, sample.cpu);
  result.best.peak = std::min(result.best.peak, sample.peak);
}

GoalResult judge(const Goal& goal, const std::vector<ContenderResult>& contenders) {
  const Sample& ours = contenders.front().best;
  const Sample& peer = contenders.at(goal.peer).best;
  const auto at_least = [&](double reached) { return GoalResult{goal, reached, reached >= goal.wanted}; };
  const auto at_most = [&](double reached) { return GoalResult{goal, reached, reached <= goal.wanted}; };
  switch (goal.kind) {
    case GoalKind::kWallRatio:
      return at_least((ours.amount / ours.wall) / (peer.amount / peer.wall));
    case GoalKind::kCpuRatio:
      return at_least((ours.amount / ours.cpu) / (peer.amount / peer.cpu));
    case GoalKind::kRate:
      return at_least(ours.amount / ours.wall);
    case GoalKind::kCpuRate:
      return at_least(ours.amount / ours.cpu);
    case GoalKind::kSeconds:
      return at_most(ours.wall);
    case GoalKind::kPeak:
      return at_most(static_cast<double>(ours.peak));
    case GoalKind::kPeakRatio:
      return at_most(static_cast<double>(ours.peak) / static_cast<double>(peer.peak));
  }
  throw Failed("no such goal");
}

}  // namespace

WorkResult measure(const Work& work, int rounds) {
  WorkResult result{work.id, work.title, work.unit, {}, {}};
  for (const Contender& contender : work.contenders) result.contenders.push_back({contender.name, {}, 0});
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < work.contenders.size(); ++i) {
      if (round < work.contenders[i].runs_at_most) take_best(result.contenders[i], work.contenders[i].run());
    }
  }
  for (const Goal& goal : work.goals) result.goals.push_back(judge(goal, result.contenders));
  return result;
}

}  // namespace changevault::bench
