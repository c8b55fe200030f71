#include "recovery/remains.h"

#include <set>
#include <utility>

#include "recovery/executor.h"
#include "recovery/journal.h"
#include "recovery/removal_plan.h"

namespace changevault {
namespace {

// Of a plan or a journal; not that the store does not answer.
bool is_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
}

struct Papers {
  std::optional<Error> damage;
  bool plan = false;     // something stands there
  bool journal = false;  // the same
};

Result<Papers> read_papers(ObjectStore& store, const KeyLayout& layout, const std::string& id) {
  Papers papers;
  const std::string key = layout.recovery_plan(id);
  const Result<std::string> bytes = store.get(key);
  if (bytes) {
    papers.plan = true;
    const Result<AnyPlan> plan = decode_any_plan(*bytes, key);
    if (!plan && !is_damage(plan.error())) return plan.error();
    if (!plan)
      papers.damage = Error(ErrorCode::kCorrupt, "its plan is damaged: " + plan.error().message, key);
  } else if (bytes.error().code == ErrorCode::kNotFound) {
    papers.damage = Error(ErrorCode::kNotFound, "its plan is gone", key);
  } else {
    return bytes.error();
  }
  const Result<std::vector<JournalEntry>> journal = read_journal(store, layout, id);
  if (!journal && !is_damage(journal.error())) return journal.error();
  papers.journal = !journal || !journal->empty();
  if (!papers.damage && !journal)
    papers.damage = Error(ErrorCode::kCorrupt, "its journal is damaged: " + journal.error().message,
                          journal.error().object);
  return papers;
}

// What the warehouse has of it.
Result<void> ask_warehouse(Warehouse& warehouse, const std::string& id, Remains& remains) {
  CV_ASSIGN(std::vector<std::string> stages, warehouse.stages());
  std::erase_if(stages, [&](const std::string& name) { return recovery_of_chunk(name) != id; });
  remains.side_tables = std::move(stages);
  CV_ASSIGN(const std::vector<LoadRecord> records, warehouse.load_records());
  std::set<std::string> parts;
  for (const LoadRecord& record : records) {
    if (record.live || recovery_of_chunk(record.recovery_id) != id) continue;
    parts.insert(record.recovery_id);
    remains.inserted += record.inserted;
  }
  remains.merged_parts = static_cast<std::int64_t>(parts.size());
  return {};
}

}  // namespace

Result<std::optional<Remains>> find_remains(ObjectStore& store, const KeyLayout& layout, Warehouse& warehouse,
                                            const std::string& id) {
  CV_ASSIGN(const Papers papers, read_papers(store, layout, id));
  if (!papers.damage && papers.journal) return std::optional<Remains>();
  Remains remains{
      papers.damage.value_or(Error(ErrorCode::kNotFound, "its journal is gone", layout.recovery_chain(id))),
      {},
      0,
      0};
  CV_TRY(ask_warehouse(warehouse, id, remains));
  const bool known = !remains.side_tables.empty() || remains.merged_parts > 0;
  if (!papers.damage && !known) return std::optional<Remains>();
  if (!papers.plan && !papers.journal && !known)
    return Error(ErrorCode::kNotFound, "there is no recovery of this id", id,
                 "see all of them with: changevault audit");
  return std::optional<Remains>(std::move(remains));
}

Result<void> drop_side_tables(Warehouse& warehouse, const Remains& remains) {
  for (const std::string& name : remains.side_tables) CV_TRY(warehouse.drop_stage(name));
  return {};
}

}  // namespace changevault
