#include "recovery/journal.h"

#include <utility>

#include "base/hash.h"

namespace changevault {
namespace {

struct ReadSlots {
  std::vector<JournalEntry> entries;
  std::string tip = kNoPrevious;
};

// Nothing of the folder may stand behind the first absence: a slot in between was taken away. (The plan's
// name begins with a letter.)
Result<void> check_no_hole(ObjectStore& store, Chain& chain, Slot end) {
  const std::string missing = chain.key(end);
  std::string behind;
  bool there = false;  // written meanwhile, by whoever carries the recovery out
  CV_TRY(for_each_object(store, chain.folder(), [&](const ObjectInfo& object) -> Result<void> {
    const char first = object.key[chain.folder().size()];
    if (first < '0' || first > '9') return {};
    there |= object.key == missing;
    if (object.key > missing && behind.empty()) behind = object.key;
    return {};
  }));
  if (behind.empty() || there) return {};
  return Error(ErrorCode::kCorrupt,
               "a slot of the recovery's journal is gone, but " + behind + " stands behind it", missing,
               "put it back from a copy of the store; or drop the side tables with recover --discard ID, and "
               "recover the scope anew");
}

// A journal is a handful of slots: it is read from the front until a slot is absent. (The plan stands in the
// same folder, so the chain's own search for its end, which wants an empty folder before slot 0, is not for
// it.)
Result<ReadSlots> read_slots(ObjectStore& store, Chain& chain) {
  ReadSlots slots;
  for (Slot slot(0);; slot = slot.next()) {
    Result<StoredSlot> stored = chain.read(slot);
    if (!stored && stored.error().code == ErrorCode::kNotFound) {
      CV_TRY(check_no_hole(store, chain, slot));
      return slots;
    }
    if (!stored) return std::move(stored).error();
    CV_ASSIGN(JournalEntry entry, decode_journal_entry(stored->bytes, chain.key(slot)));
    if (entry.previous != slots.tip) {
      return Error(ErrorCode::kCorrupt, "a journal slot does not follow the one before it", chain.key(slot));
    }
    slots.tip = stored->sha256;
    slots.entries.push_back(std::move(entry));
  }
}

}  // namespace

Journal::Journal(const Parts& parts, std::string recovery_id)
    : parts_(parts), id_(std::move(recovery_id)), chain_(parts.store, parts.layout.recovery_chain(id_)) {}

Result<Journal> Journal::open(const Parts& parts, const std::string& recovery_id) {
  Journal journal(parts, recovery_id);
  CV_ASSIGN(ReadSlots slots, read_slots(parts.store, journal.chain_));
  journal.entries_ = std::move(slots.entries);
  journal.tip_ = std::move(slots.tip);
  return journal;
}

bool Journal::ended() const {
  if (entries_.empty()) return false;
  const JournalStep& step = entries_.back().step;
  return std::holds_alternative<DoneStep>(step) || std::holds_alternative<FailedStep>(step);
}

Result<void> Journal::append(JournalStep step) {
  JournalEntry entry{parts_.clock.now(), parts_.random.nonce(), tip_, std::move(step)};
  const std::string bytes = encode_journal_entry(entry, id_);
  const Slot slot(static_cast<std::int64_t>(entries_.size()));
  CV_ASSIGN(const Chain::CreateOutcome outcome, chain_.create(slot, bytes));
  if (outcome == Chain::CreateOutcome::kTaken) {
    return Error(ErrorCode::kFenced, "this recovery is being carried out by somebody else", chain_.key(slot),
                 "wait for it; audit shows how it ended");
  }
  tip_ = sha256_hex(bytes);
  entries_.push_back(std::move(entry));
  return {};
}

Result<Journal> begin_journal(const Journal::Parts& parts, const std::string& recovery_id,
                              const std::string& plan_bytes) {
  const std::string key = parts.layout.recovery_plan(recovery_id);
  CV_ASSIGN(const PutOutcome put,
            parts.store.put_if_absent(key, plan_bytes, {.content_type = "application/json", .md5_hex = {}}));
  if (put == PutOutcome::kExists) {
    CV_ASSIGN(const std::string standing, parts.store.get(key));
    if (standing != plan_bytes) {
      return Error(ErrorCode::kStalePlan, "another plan has this id", key, "make a new plan for this scope");
    }
  }
  CV_ASSIGN(Journal journal, Journal::open(parts, recovery_id));
  if (journal.entries().empty()) return journal;
  const FailedStep* const failed = std::get_if<FailedStep>(&journal.entries().back().step);
  return Error(ErrorCode::kStalePlan,
               failed != nullptr && !failed->merged
                   ? "this plan was begun before and failed: " + failed->message
               : journal.ended() ? "this plan was carried out before"
                                 : "this plan was begun and did not end",
               "recovery " + recovery_id,
               journal.ended() ? "make a new plan for this scope" : "run recover --resume " + recovery_id);
}

Result<std::vector<JournalEntry>> read_journal(ObjectStore& store, const KeyLayout& layout,
                                               const std::string& recovery_id) {
  Chain chain(store, layout.recovery_chain(recovery_id));
  CV_ASSIGN(ReadSlots slots, read_slots(store, chain));
  return std::move(slots.entries);
}

}  // namespace changevault
