// Records by the cell that they belong to.
#pragma once

#include <map>
#include <string_view>
#include <utility>

#include "codec/record_scanner.h"
#include "model/hour.h"
#include "model/ns.h"

namespace changevault {

// Finds what belongs to the hour and collection of a record in a map, which outlives it; nothing may be taken
// out of the map meanwhile. Records come in runs, so that most are found without a search.
template <typename Value>
class CellFinder {
 public:
  using Cells = std::map<std::pair<Hour, Namespace>, Value>;
  explicit CellFinder(Cells& cells) : cells_(cells) {}

  Value& of(const RecordView& record) {
    const Hour hour = hour_of(record.enqueued_time);
    const std::string_view database = record.database_name.value_or("");
    const std::string_view collection = record.collection_name.value_or("");
    if (last_ == nullptr || last_->first.first != hour || last_->first.second.database != database ||
        last_->first.second.collection != collection) {
      const Namespace ns{std::string(database), std::string(collection)};
      last_ = &*cells_.try_emplace(std::pair(hour, ns)).first;
    }
    return last_->second;
  }

 private:
  Cells& cells_;
  typename Cells::value_type* last_ = nullptr;
};

}  // namespace changevault
