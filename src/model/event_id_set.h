// Many event_ids, each once: a table without pointers, as millions of them are asked for one by one.
#pragma once

#include <cstddef>
#include <vector>

#include "model/event_id.h"

namespace changevault {

// Open addressing with linear probing, at most three quarters full; 16 bytes a place. The id of all zeros
// marks a free place and is counted apart. What is erased leaves no mark: the ids behind it move up.
// Not thread-safe.
class EventIdSet {
 public:
  // True where it was not there yet.
  bool insert(const EventId& id);
  bool contains(const EventId& id) const;
  // True where it was there.
  bool erase(const EventId& id);
  std::size_t size() const { return used_ + (zero_ ? 1 : 0); }
  bool empty() const { return size() == 0; }

  // Every id, in no order.
  template <typename Each>
  void for_each(Each&& each) const {
    if (zero_) each(EventId{});
    for (const EventId& id : places_) {
      if (id != EventId{}) each(id);
    }
  }

 private:
  std::size_t home_of(const EventId& id) const;
  std::size_t next(std::size_t place) const { return (place + 1) & (places_.size() - 1); }
  // Where it is, or the free place where it belongs. REQUIRES: a free place.
  std::size_t find(const EventId& id) const;
  void grow();

  std::vector<EventId> places_;  // a power of two, or none
  std::size_t used_ = 0;
  bool zero_ = false;
};

}  // namespace changevault
