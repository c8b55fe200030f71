// What of an archive can be put right again without guessing, and doing it.
//
// Invariants:
//  - Bytes are written only with the SHA-256 that the ledger has for them, and only under a name that is
//  free.
//  - What stands in the way, damaged, is first copied into the keep folder, beside the bytes that replace it;
//    only then it is removed. A repair that dies between the two is ended by the next one, from that folder.
//  - Leftovers are deleted by the ledger's rule alone (archive/leftovers.h).
//  - What was begun and how it ended stands in `_ledger/repairs/` (docs/formats/repairs.md).
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/leftovers.h"
#include "archive/seals_beginning.h"
#include "archive/segment_rebuild.h"
#include "archive/verify.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

struct LedgerCheck;

enum class RepairAction {
  kRestoreObject,  // a segment or dead letters
  kRestoreSlot,    // a ledger entry, from a copy
  kRemoveLeftover,
  kBeginSeals,  // the chain of seals, gone as a whole (archive/seals_beginning.h)
};
const char* name(RepairAction action);  // "restore-object", …

struct RepairItem {
  RepairAction action{};
  std::string key;
  std::int64_t bytes = 0;
  std::string sha256;       // that it will have; empty for leftovers and for the seals
  bool in_the_way = false;  // a damaged object stands under the name
  std::string detail;       // what is wrong with it
  std::string sources;      // where the right bytes come from, in words
  bool operator==(const RepairItem&) const = default;
};

// What stays as it is, and what a person can do.
struct RepairRefusal {
  std::string key;
  std::string problem;
  std::string advice;
  bool operator==(const RepairRefusal&) const = default;
};

struct RepairPlan {
  VerifyReport verified;
  std::vector<RepairItem> items;
  std::vector<RepairRefusal> refusals;
  std::vector<Leftover> kept;  // leftovers that stay
};

// Who does it, with what; for the audit trail.
struct RepairActor {
  std::string user;
  std::string host;
  std::string program;
};

struct RepairOutcome {
  std::string id;
  std::vector<std::string> done;        // keys
  std::vector<RepairRefusal> not_done;  // what went otherwise than planned
};

// Not thread-safe. References outlive it.
class Repairer {
 public:
  struct Parts {
    ObjectStore& store;
    const KeyLayout& layout;
    Clock& clock;
    Random& random;
  };
  // `names`: believed only where the hub's events prove them.
  Repairer(const Parts& parts, RebuildSources sources, ArchiveNames names = {})
      : parts_(parts), sources_(std::move(sources)), names_(std::move(names)) {
    if (!sources_.bodies) sources_.bodies.emplace(parts.store, parts.layout);
  }

  // Verifies by `mode` and finds out of each problem whether it can be put right. Changes nothing.
  Result<RepairPlan> plan(const Scope& scope, VerifyMode mode,
                          const std::function<void(const VerifyProgress&)>& progress, std::stop_token stop);

  // Carries out a plan; each item is looked at again first. `keep`: folder of this machine for what is taken
  // out of the way. Errors: kUsage where nothing can be kept there, before anything is changed; what the
  // store says. An item that cannot be done any more is in the outcome, the others are done.
  Result<RepairOutcome> run(const RepairPlan& plan, const std::filesystem::path& keep,
                            const RepairActor& actor, std::stop_token stop);

 private:
  Result<void> plan_object(const VerifyProblem& problem, const LedgerCheck& ledger, RepairPlan& plan,
                           std::stop_token stop);
  Result<void> plan_slot(const VerifyProblem& problem, RepairPlan& plan);
  Result<void> plan_seals(const VerifyProblem& problem, RepairPlan& plan);
  Result<SealsBeginning> seals_beginning() const;
  Result<void> begin_seals(const RepairActor& actor) const;
  Result<std::string> bytes_for(const RepairItem& item, const LedgerCheck& ledger, std::stop_token stop);
  Result<void> restore(const RepairItem& item, const LedgerCheck& ledger, const std::filesystem::path& keep,
                       std::stop_token stop);

  Parts parts_;
  RebuildSources sources_;
  ArchiveNames names_;
};

// The bytes that an earlier repair made and kept in `keep`, by key; nullopt where there are none.
Result<std::optional<std::string>> kept_bytes(const std::filesystem::path& keep, const std::string& key);

}  // namespace changevault
