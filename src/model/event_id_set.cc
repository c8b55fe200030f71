#include "model/event_id_set.h"

#include <utility>

namespace changevault {

// Ids of other programs may be anything, numbers in a row for one: every bit takes part.
std::size_t EventIdSet::home_of(const EventId& id) const {
  std::uint64_t mixed = (id.high ^ (id.low >> 32 | id.low << 32)) * 0x9E3779B97F4A7C15U;
  mixed = (mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93U;
  return static_cast<std::size_t>(mixed ^ mixed >> 32) & (places_.size() - 1);
}

std::size_t EventIdSet::find(const EventId& id) const {
  std::size_t place = home_of(id);
  while (places_[place] != EventId{} && places_[place] != id) place = next(place);
  return place;
}

void EventIdSet::grow() {
  constexpr std::size_t kFirst = 64;
  std::vector<EventId> before(places_.empty() ? kFirst : 2 * places_.size());
  before.swap(places_);
  for (const EventId& id : before) {
    if (id != EventId{}) places_[find(id)] = id;
  }
}

bool EventIdSet::insert(const EventId& id) {
  if (id == EventId{}) return !std::exchange(zero_, true);
  if (4 * (used_ + 1) > 3 * places_.size()) grow();
  EventId& place = places_[find(id)];
  if (place == id) return false;
  place = id;
  ++used_;
  return true;
}

bool EventIdSet::contains(const EventId& id) const {
  if (id == EventId{}) return zero_;
  return used_ > 0 && places_[find(id)] == id;
}

bool EventIdSet::erase(const EventId& id) {
  if (id == EventId{}) return std::exchange(zero_, false);
  if (used_ == 0) return false;
  std::size_t hole = find(id);
  if (places_[hole] != id) return false;
  --used_;
  // An id behind the hole moves into it unless its home lies between the two: its search would pass the hole.
  const std::size_t mask = places_.size() - 1;
  for (std::size_t at = next(hole); places_[at] != EventId{}; at = next(at)) {
    const std::size_t from_home = (at - home_of(places_[at])) & mask;
    if (from_home < ((at - hole) & mask)) continue;
    places_[hole] = places_[at];
    hole = at;
  }
  places_[hole] = EventId{};
  return true;
}

}  // namespace changevault
