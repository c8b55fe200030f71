// Lists files of other programs in the ledger, after reading each of them whole (archive/adopted.h).
//
// Whoever dies on the way leaves slots that are true: the next one reads them, leaves what they list, and
// goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/found_archive.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// A file that is not adopted, and why.
struct NotAdopted {
  std::string key;
  std::string why;
  bool operator==(const NotAdopted&) const = default;
};

// What an adoption is going to do.
struct AdoptionPlan {
  Scope scope;
  std::string source_id;
  std::vector<FoundFile> files;     // whole, and listed by nothing
  std::vector<NotAdopted> damaged;  // files that cannot be listed as they are
  std::vector<NotAdopted> ours;     // under names of our own, beside a ledger: leftovers of its archiver
  std::int64_t listed_already = 0;
  FoundNotes notes;  // of what was read
};

struct AdoptionOutcome {
  std::int64_t files = 0;
  std::int64_t records = 0;
  std::int64_t slots = 0;
  std::int64_t by_others = 0;       // listed meanwhile by somebody else
  std::vector<NotAdopted> changed;  // since they were read: not listed
};

// References outlive it. Not thread-safe.
class Adoption {
 public:
  struct Parts {
    ObjectStore& store;
    const KeyLayout& layout;
    Clock& clock;
    Random& random;
  };
  explicit Adoption(const Parts& parts) : parts_(parts) {}

  // Files in one slot, at most.
  void set_files_in_slot(std::size_t most) { files_in_slot_ = most; }

  // Reads every file of the scope that is not listed yet (by folder, as ls shows them); changes nothing. A
  // listed file of another size than its listing is damaged. kIndeterminate where the scope has no file;
  // kCorrupt where the ledger's own chain is damaged; what the store says; kCancelled.
  Result<AdoptionPlan> plan(const Scope& scope, const FoundOptions& options);

  // Lists the plan's files. Each is asked for again just before: one that changed since is left out.
  Result<AdoptionOutcome> carry_out(const AdoptionPlan& plan, const std::string& owner, std::stop_token stop,
                                    const std::function<void(std::int64_t)>& on_progress);

 private:
  Parts parts_;
  std::size_t files_in_slot_ = 1000;
};

// The first file under a name of our own that is adopted; empty where there is none.
Result<std::string> adopted_name_of_ours(ObjectStore& store, const KeyLayout& layout);

}  // namespace changevault
