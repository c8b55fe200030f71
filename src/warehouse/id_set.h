// A set of event_ids by their exact text, small for the ids that we write ourselves.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "base/result.h"
#include "model/event_id.h"
#include "model/event_id_set.h"

namespace changevault {

class IdSet {
 public:
  // True where it was not there yet.
  bool insert(std::string_view id) {
    const auto own = EventId::of_own_text(id);
    return own ? own_.insert(*own) : others_.emplace(id).second;
  }
  bool contains(std::string_view id) const {
    const auto own = EventId::of_own_text(id);
    return own ? own_.contains(*own) : others_.contains(std::string(id));
  }
  // True where it was there.
  bool erase(std::string_view id) {
    const auto own = EventId::of_own_text(id);
    return own ? own_.erase(*own) : others_.erase(std::string(id)) > 0;
  }
  // Calls `each(id)` for every id; the first error ends it.
  template <typename Each>
  Result<void> for_each(Each&& each) const {
    Result<void> done;
    own_.for_each([&](const EventId& id) {
      if (done) done = each(to_string(id));
    });
    if (!done) return done;
    for (const std::string& id : others_) CV_TRY(each(id));
    return {};
  }
  std::size_t size() const { return own_.size() + others_.size(); }
  bool empty() const { return own_.empty() && others_.empty(); }

 private:
  EventIdSet own_;
  std::unordered_set<std::string> others_;
};

}  // namespace changevault
