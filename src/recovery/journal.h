// The steps of one recovery, written down as they happen: a chain of create-only slots beside its plan
// (docs/formats/journal.md). The last slot, `done` or `failed`, is the audit record.
//
// Lifetime of a recovery: started, staged, validated, merged, checked, done; `failed` may take the place of
// any step after `started`, `waiting` stands behind `validated` where a person is to look first. A resumed
// one writes `started` again and goes on from what the warehouse knows. A removal of rows that stand more
// than once goes by started, staged, removed, checked, done.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "archive/chain.h"
#include "base/clock.h"
#include "base/random.h"
#include "recovery/plan.h"
#include "store/key_layout.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct StartedStep {
  std::string plan_hash;
  Actor actor;
  std::vector<std::int64_t> chunks;  // segments of each chunk, in the plan's order; empty: all are one
  bool operator==(const StartedStep&) const = default;
};
struct StagedStep {
  ScanFacts scan;  // what was read from the archive, every byte proven
  bool operator==(const StagedStep&) const = default;
};
struct ValidatedStep {
  std::int64_t rows = 0;  // in the side table, equal to the scan
  std::int64_t distinct = 0;
  bool operator==(const ValidatedStep&) const = default;
};
// Staged and proven; it waits for somebody to look at the rows and to resume it.
struct WaitingStep {
  Actor actor;
  std::int64_t rows = 0;
  bool operator==(const WaitingStep&) const = default;
};
struct MergedStep {
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;
  bool operator==(const MergedStep&) const = default;
};
// Of rows that stood more than once.
struct RemovedStep {
  std::int64_t removed = 0;
  bool operator==(const RemovedStep&) const = default;
};
struct CheckedStep {
  std::int64_t missing = 0;    // planned event_ids that are not in the table
  std::int64_t duplicate = 0;  // that stand there more than once
  bool operator==(const CheckedStep&) const = default;
};
struct DoneStep {
  Actor actor;
  std::string plan_hash;
  std::string scope;  // in words
  Timestamp started{};
  std::int64_t segments = 0;
  std::int64_t expected = 0;
  std::int64_t staged = 0;
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;
  std::optional<std::int64_t> removed = std::nullopt;  // rows, of a removal; then nothing is inserted
  bool operator==(const DoneStep&) const = default;
};
struct FailedStep {
  Actor actor;
  std::string scope;
  std::string step;  // during which
  std::string code;
  std::string message;
  bool merged = false;  // rows were inserted before it
  bool operator==(const FailedStep&) const = default;
};
using JournalStep = std::variant<StartedStep, StagedStep, ValidatedStep, WaitingStep, MergedStep, CheckedStep,
                                 DoneStep, FailedStep, RemovedStep>;

struct JournalEntry {
  Timestamp time{};
  std::string nonce;
  std::string previous;  // sha256 of the bytes of the slot before
  JournalStep step;
  bool operator==(const JournalEntry&) const = default;
};

// "started", "staged", …
const char* name(const JournalStep& step);

std::string encode_journal_entry(const JournalEntry& entry, const std::string& recovery_id);
Result<JournalEntry> decode_journal_entry(std::string_view bytes, const std::string& object);

// Not thread-safe.
class Journal {
 public:
  struct Parts {
    ObjectStore& store;
    const KeyLayout& layout;
    Clock& clock;
    Random& random;
  };
  // Reads what is there; an empty journal is one that was never started. kCorrupt where slots are damaged or
  // do not follow each other.
  static Result<Journal> open(const Parts& parts, const std::string& recovery_id);

  const std::vector<JournalEntry>& entries() const { return entries_; }
  // The last step of a kind, nullptr where there is none.
  template <typename Step>
  const Step* last() const {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
      if (const Step* step = std::get_if<Step>(&entry->step)) return step;
    }
    return nullptr;
  }
  bool ended() const;  // done or failed

  // kFenced where somebody else has written the slot: this recovery is carried out elsewhere.
  Result<void> append(JournalStep step);

 private:
  Journal(const Parts& parts, std::string recovery_id);
  Parts parts_;
  std::string id_;
  Chain chain_;
  std::vector<JournalEntry> entries_;
  std::string tip_ = kNoPrevious;  // sha256 of the last slot
};

// Writes the plan of a recovery that was never begun and opens its journal. kStalePlan where another plan has
// this id, or where this one was begun before.
Result<Journal> begin_journal(const Journal::Parts& parts, const std::string& recovery_id,
                              const std::string& plan_bytes);

// Reads a journal that nobody writes to here.
Result<std::vector<JournalEntry>> read_journal(ObjectStore& store, const KeyLayout& layout,
                                               const std::string& recovery_id);

}  // namespace changevault
