#include "archive/adoption.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <simdjson.h>

#include "archive/adopted.h"
#include "archive/chain.h"
#include "archive/file_listing.h"
#include "archive/ledger_problem.h"
#include "base/hash.h"

namespace changevault {
namespace {

// Bytes by key, of all that is listed.
struct Listed {
  std::map<std::string, std::int64_t> files;
  AdoptedEnd end;
};

Result<Listed> read_listed(ObjectStore& store, const KeyLayout& layout) {
  Listed out;
  CV_ASSIGN(out.end, read_adopted_slots(store, layout,
                                        [&](AdoptedSlot slot, Slot, const std::string&) -> Result<void> {
                                          for (FoundFile& file : slot.files)
                                            out.files.emplace(std::move(file.key), file.bytes);
                                          return {};
                                        }));
  return out;
}

// Whether an archiver works, or worked, below this root.
Result<bool> has_own_ledger(ObjectStore& store, const KeyLayout& layout) {
  const Result<ObjectInfo> first = store.head(layout.seal_chain() + KeyLayout::slot_name(Slot(0)));
  if (first) return true;
  if (first.error().code != ErrorCode::kNotFound) return first.error();
  CV_ASSIGN(const std::vector<PartitionId> chains, partition_chains(store, layout));
  return !chains.empty();
}

bool is_text(const std::string& name) {
  return simdjson::validate_utf8(name.data(), name.size());
}

// Of the files of a scope, as the store has them now.
using Standing = std::map<std::string, ObjectInfo>;

Result<Standing> list_standing(ObjectStore& store, const KeyLayout& layout, const Scope& scope) {
  Standing out;
  CV_TRY(for_each_named_file(store, layout, scope,
                             [&](const ObjectInfo& object, const SegmentName&) -> Result<void> {
                               out.emplace(object.key, object);
                               return {};
                             }));
  return out;
}

bool stands(const Standing& standing, const FoundFile& file) {
  const auto found = standing.find(file.key);
  return found != standing.end() && found->second.bytes == file.bytes && found->second.etag == file.etag;
}

}  // namespace

Result<AdoptionPlan> Adoption::plan(const Scope& scope, const FoundOptions& options) {
  AdoptionPlan out;
  out.scope = scope;
  out.source_id = options.source_id;
  CV_ASSIGN(const Listed listed, read_listed(parts_.store, parts_.layout));
  CV_ASSIGN(const bool own_ledger, has_own_ledger(parts_.store, parts_.layout));
  FoundOptions reading = options;
  reading.by_folder = true;
  reading.leave_out = [&](const ObjectInfo& object, const SegmentName& name) {
    if (const auto known = listed.files.find(object.key); known != listed.files.end()) {
      ++out.listed_already;
      if (known->second != object.bytes)
        out.damaged.push_back({object.key, "it is listed already, and has another size since"});
      return true;
    }
    if (own_ledger && name.origin) {
      out.ours.push_back({object.key, "it bears a name of this program's own, beside a ledger"});
      return true;
    }
    return false;
  };
  CV_ASSIGN(const FoundArchive found, FoundArchive::read(parts_.store, parts_.layout, scope, reading));
  out.notes = found.notes();
  for (const FoundFile& file : found.files()) {
    if (!file.is_whole()) {
      out.damaged.push_back({file.key, file.problem});
    } else if (!is_text(file.key)) {
      out.damaged.push_back({file.key, "its name is not UTF-8, which the ledger could not say"});
    } else {
      out.files.push_back(file);
    }
  }
  return out;
}

namespace {

// One adoption on its way: slot after slot, each built on all that stand before it.
class Course {
 public:
  Course(const Adoption::Parts& parts, const AdoptionPlan& plan, std::string owner, std::size_t files_in_slot)
      : parts_(parts),
        plan_(plan),
        owner_(std::move(owner)),
        files_in_slot_(files_in_slot),
        chain_(parts.store, parts.layout.adopted_chain()) {}

  Result<AdoptionOutcome> run(const std::stop_token& stop,
                              const std::function<void(std::int64_t)>& on_progress) {
    CV_ASSIGN(listed_, read_listed(parts_.store, parts_.layout));
    CV_ASSIGN(own_ledger_, has_own_ledger(parts_.store, parts_.layout));
    CV_ASSIGN(standing_, list_standing(parts_.store, parts_.layout, plan_.scope));
    while (at_ < plan_.files.size()) {
      if (stop.stop_requested()) {
        return Error(ErrorCode::kCancelled, "stopped; what is listed so far stays", chain_.folder(),
                     "run the same command again: it goes on with the rest");
      }
      CV_TRY(write(next_part()));
      if (on_progress) on_progress(static_cast<std::int64_t>(at_));
    }
    return std::move(outcome_);
  }

 private:
  // Files for the next slot, and what became of those that are not in it.
  struct Part {
    std::size_t end = 0;  // of the plan's files
    std::vector<FoundFile> files;
    std::int64_t by_others = 0;
    std::vector<NotAdopted> changed;
  };

  Part next_part() const {
    Part part;
    for (part.end = at_; part.end < plan_.files.size() && part.files.size() < files_in_slot_; ++part.end) {
      const FoundFile& file = plan_.files[part.end];
      const auto name = parts_.layout.parse(file.key);
      if (listed_.files.contains(file.key)) {
        ++part.by_others;
      } else if (!stands(standing_, file)) {
        part.changed.push_back({file.key, "it changed since it was read"});
      } else if (own_ledger_ && name && name->origin) {
        part.changed.push_back({file.key, "an archiver began here since it was read"});
      } else {
        part.files.push_back(file);
      }
    }
    return part;
  }

  // Where another one wrote the slot first, its files are looked at and nothing is done yet.
  Result<void> write(Part part) {
    if (!part.files.empty()) {
      const EntryHeader header{owner_, parts_.random.nonce(), parts_.clock.now(), listed_.end.previous};
      const std::string bytes = encode_adopted({header, plan_.source_id, part.files});
      CV_ASSIGN(const Chain::CreateOutcome created, chain_.create(listed_.end.slot, bytes));
      if (created == Chain::CreateOutcome::kTaken) {
        CV_ASSIGN(listed_, read_listed(parts_.store, parts_.layout));
        return {};
      }
      listed_.end = {listed_.end.slot.next(), sha256_hex(bytes)};
      ++outcome_.slots;
    }
    for (const FoundFile& file : part.files) {
      ++outcome_.files;
      outcome_.records += file.records;
    }
    outcome_.by_others += part.by_others;
    outcome_.changed.insert(outcome_.changed.end(), part.changed.begin(), part.changed.end());
    at_ = part.end;
    return {};
  }

  const Adoption::Parts& parts_;
  const AdoptionPlan& plan_;
  std::string owner_;
  std::size_t files_in_slot_;
  Chain chain_;
  Listed listed_;
  bool own_ledger_ = false;
  Standing standing_;
  std::size_t at_ = 0;  // the next of the plan's files
  AdoptionOutcome outcome_;
};

}  // namespace

Result<AdoptionOutcome> Adoption::carry_out(const AdoptionPlan& plan, const std::string& owner,
                                            std::stop_token stop,
                                            const std::function<void(std::int64_t)>& on_progress) {
  return Course(parts_, plan, owner, files_in_slot_).run(stop, on_progress);
}

Result<std::string> adopted_name_of_ours(ObjectStore& store, const KeyLayout& layout) {
  std::string found;
  CV_TRY(read_adopted_slots(store, layout,
                            [&](const AdoptedSlot& slot, Slot, const std::string&) -> Result<void> {
                              for (const FoundFile& file : slot.files) {
                                const auto name = layout.parse(file.key);
                                if (found.empty() && name && name->origin) found = file.key;
                              }
                              return {};
                            }));
  return found;
}

}  // namespace changevault
