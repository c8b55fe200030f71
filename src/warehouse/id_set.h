// A set of event_ids by their exact text, small for the ids that we write ourselves.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/result.h"
#include "model/event_id.h"

namespace changevault {

class IdSet {
 public:
  // True where it was not there yet.
  bool insert(std::string_view id) {
    return is_plain(id) ? plain_.insert(EventId::of_text(id)).second : others_.emplace(id).second;
  }
  bool contains(std::string_view id) const {
    return is_plain(id) ? plain_.contains(EventId::of_text(id)) : others_.contains(std::string(id));
  }
  // True where it was there.
  bool erase(std::string_view id) {
    return is_plain(id) ? plain_.erase(EventId::of_text(id)) > 0 : others_.erase(std::string(id)) > 0;
  }
  // Calls `each(id)` for every id; the first error ends it.
  template <typename Each>
  Result<void> for_each(Each&& each) const {
    for (const EventId& id : plain_) CV_TRY(each(to_string(id)));
    for (const std::string& id : others_) CV_TRY(each(id));
    return {};
  }
  std::size_t size() const { return plain_.size() + others_.size(); }
  bool empty() const { return plain_.empty() && others_.empty(); }

 private:
  // 32 lower-case hex digits: the number says all of the text.
  static bool is_plain(std::string_view id) {
    return id.size() == 32 && std::all_of(id.begin(), id.end(), [](char c) {
             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
  }
  std::unordered_set<EventId> plain_;
  std::unordered_set<std::string> others_;
};

}  // namespace changevault
