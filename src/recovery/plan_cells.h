// A plan's records counted by the hours and collections that they belong to.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/event_id.h"
#include "model/hour.h"
#include "model/ns.h"
#include "model/scope.h"
#include "recovery/cell_finder.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct PlannedCell {
  Hour hour;
  Namespace ns;
  std::int64_t archive = 0;          // records in scope
  std::int64_t distinct = 0;         // event_ids among them; one of several cells counts in the first
  std::int64_t already_present = 0;  // of those, in the warehouse (wherever) when the plan was made
  std::int64_t warehouse = 0;        // rows of the whole cell then
  bool operator==(const PlannedCell&) const = default;
  std::int64_t new_rows() const { return distinct - already_present; }
};

// Whole hours and collections that hold all of these cells, which are some, and others perhaps.
Scope scope_around(const std::vector<PlannedCell>& cells);

// Rows that the warehouse holds of each cell now.
Result<std::vector<std::int64_t>> rows_of_cells(const std::vector<PlannedCell>& cells, Warehouse& warehouse);

// Counts in two steps, so that no more than a class of the ids is held at a time: every record is counted
// once, and its id is handed over with its cell in whichever pass it belongs to.
class PlanCells {
 public:
  // Event_ids with the cell of each; 24 bytes for one that we wrote ourselves.
  class Ids {
   public:
    void add(std::string_view id, std::uint32_t cell);

   private:
    friend class PlanCells;
    template <typename Value>
    struct In {
      Value id;
      std::uint32_t cell = 0;
      auto operator<=>(const In&) const = default;
    };
    std::vector<In<EventId>> own_;
    std::vector<In<std::string>> others_;
  };

  PlanCells() : finder_(index_) {}
  PlanCells(const PlanCells&) = delete;
  PlanCells& operator=(const PlanCells&) = delete;

  // The record's cell, in the order in which cells were first met.
  std::uint32_t of(const RecordView& record);
  void count(const RecordView& record) { ++cells_[of(record)].archive; }
  // Each id that is in `ids` once or more is counted once; asks the warehouse which of them it has.
  Result<void> settle(Ids ids, Warehouse& warehouse);
  // By namespace, then hour; with the rows that the warehouse holds of each.
  Result<std::vector<PlannedCell>> finish(Warehouse& warehouse);

 private:
  template <typename Value>
  Result<void> settle_values(std::vector<Ids::In<Value>> ids, Warehouse& warehouse);
  template <typename Value>
  Result<void> settle_some(std::span<Ids::In<Value>> ids, Warehouse& warehouse);

  std::map<std::pair<Hour, Namespace>, std::uint32_t> index_;  // place in cells_, from 1 on
  CellFinder<std::uint32_t> finder_;
  std::vector<PlannedCell> cells_;
};

}  // namespace changevault
