// Lag in time: how old the oldest event is that a reader of the hub has not read.
#pragma once

#include <optional>

#include "base/time.h"
#include "hub/hub.h"

namespace changevault {

struct EventAge {
  Timestamp time{};  // when the hub got it
  Duration age{};    // by the hub's clock, never below zero
};

// Reads one event for each question, and the hub's clock once. A hub that fails is not asked again, as each
// question might wait for its patience; nothing is known then. Not thread-safe; `hub` outlives it.
class EventAges {
 public:
  explicit EventAges(Hub& hub) : hub_(hub) {}

  // Of the event there, or the first one behind it. nullopt: there is none, or the hub does not answer.
  std::optional<EventAge> of(PartitionId partition, Sequence at);
  // The hub has answered every question.
  bool answered() const { return !failed_; }
  // How far behind a group is; zero where it has read all, nullopt where it is not known or the hub has
  // deleted what comes next.
  std::optional<Duration> lag_of(const GroupPosition& position);

 private:
  Hub& hub_;
  std::optional<HubClock> clock_;
  bool failed_ = false;
};

}  // namespace changevault
