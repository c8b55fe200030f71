// Breadth first through all states of the model: the first violation found has the shortest schedule.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/model/ownership_model.h"

namespace changevault::model {

struct SearchResult {
  std::int64_t states = 0;
  std::int64_t transitions = 0;
  std::int64_t all_listed = 0;  // states in which every event is archived
  std::string violation;
  std::vector<Step> schedule;  // that leads to it
};

class Search {
 public:
  Search(Limits limits, Broken broken) : limits_(limits), broken_(broken) {}

  // `depth`: steps at most. Every state that is new is given to `each` with the shortest schedule to it.
  template <typename Each>
  SearchResult run(int depth, Each&& each) {
    SearchResult result;
    meet(State{}, -1, {});
    for (std::size_t at = 0; at < states_.size(); ++at) {
      ++result.states;
      result.all_listed += next_event(states_[at].state.chain) == limits_.events ? 1 : 0;
      each(states_[at].state, static_cast<std::int64_t>(at), *this);
      result.violation = violation(states_[at].state);
      if (!result.violation.empty()) {
        result.schedule = schedule_to(static_cast<std::int64_t>(at));
        return result;
      }
      if (states_[at].depth == depth) continue;
      for (const Step& step : enabled(states_[at].state, limits_)) {
        State next = states_[at].state;
        apply(next, step, broken_, limits_);
        ++result.transitions;
        meet(std::move(next), static_cast<std::int64_t>(at), step);
      }
      if (!keeps_all_) states_[at].state = State{};  // its successors are known, its place in the tree stays
    }
    return result;
  }
  SearchResult run() {
    keeps_all_ = false;
    return run(1 << 20, [](const State&, std::int64_t, const Search&) {});
  }

  std::vector<Step> schedule_to(std::int64_t at) const {
    std::vector<Step> out;
    for (; states_[static_cast<std::size_t>(at)].from >= 0; at = states_[static_cast<std::size_t>(at)].from)
      out.push_back(states_[static_cast<std::size_t>(at)].by);
    return {out.rbegin(), out.rend()};
  }

 private:
  struct Met {
    State state;
    std::int64_t from;
    Step by;
    int depth;
  };
  void meet(State state, std::int64_t from, const Step& by) {
    if (!known_.emplace(state.key(), 0).second) return;
    const int depth = from < 0 ? 0 : states_[static_cast<std::size_t>(from)].depth + 1;
    states_.push_back({std::move(state), from, by, depth});
  }

  Limits limits_;
  Broken broken_;
  bool keeps_all_ = true;
  std::unordered_map<std::string, char> known_;
  std::vector<Met> states_;
};

}  // namespace changevault::model
