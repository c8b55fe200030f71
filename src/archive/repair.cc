#include "archive/repair.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "archive/repair_journal.h"
#include "archive/verify_ledger.h"
#include "base/hash.h"

namespace changevault {
namespace {

// What is wrong with the bytes of an object; other problems are about what the ledger says.
bool is_about_bytes(const std::string& kind) {
  return kind == "missing" || kind == "size" || kind == "sha256" || kind == "gzip";
}

std::string advice_for(const std::string& kind) {
  if (kind == "audit")
    return "it is a record of what was done, no event is touched by it; its bytes cannot be made again, put "
           "it "
           "back from a backup";
  if (kind == "unreadable") return "the store did not give it; try again when it does";
  if (kind == "seal" || kind == "floor" || kind == "hub" || kind == "listed-twice" || kind == "name")
    return "the ledger contradicts itself; nothing of it is rewritten. Find out who wrote to it, and keep "
           "everything as it is until then";
  return "the bytes are those that were archived, so making them again changes nothing";
}

// The slot of a chain's file; nullopt for other names.
struct SlotPlace {
  std::string folder;
  Slot slot;
};
std::optional<SlotPlace> slot_place(const std::string& key) {
  const std::size_t slash = key.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto slot = KeyLayout::parse_slot_name(std::string_view(key).substr(slash + 1));
  if (!slot) return std::nullopt;
  return SlotPlace{key.substr(0, slash + 1), *slot};
}

// What the slot behind says its bytes were; nullopt where that one is not there or damaged too.
Result<std::optional<std::string>> wanted_sha(ObjectStore& store, const SlotPlace& place) {
  Chain chain(store, place.folder);
  const auto next = read_entry(chain, place.slot.next());
  if (next) return std::optional(next->entry.header.previous);
  if (next.error().code == ErrorCode::kNotFound || next.error().code == ErrorCode::kCorrupt)
    return std::optional<std::string>();
  return next.error();
}

std::filesystem::path kept_path(const std::filesystem::path& keep, const char* kind, const std::string& key) {
  return keep / kind / key;
}

// Writes a file that is wholly there or not, and durable.
Result<void> keep_file(const std::filesystem::path& path, const std::string& bytes) {
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  if (failed)
    return system_error(ErrorCode::kUsage, "the folder to keep files in cannot be made",
                        path.parent_path().string(), failed.value());
  const std::string temporary = path.string() + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return system_error(ErrorCode::kUsage, "a copy cannot be kept", temporary, errno);
  std::string_view rest = bytes;
  bool right = true;
  while (right && !rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    right = n >= 0;
    if (right) rest.remove_prefix(static_cast<std::size_t>(n));
  }
  right = right && ::fsync(fd) == 0;
  right = ::close(fd) == 0 && right;
  right = right && ::rename(temporary.c_str(), path.c_str()) == 0;
  const int error = errno;
  if (!right) return system_error(ErrorCode::kUsage, "a copy cannot be kept", path.string(), error);
  const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return {};
}

std::vector<const ListedSegment*> siblings_of(const LedgerCheck& ledger, const ListedSegment& listed) {
  std::vector<const ListedSegment*> out;
  for (const auto* list : {&ledger.segments, &ledger.dead_letters}) {
    for (const ListedSegment& s : *list) {
      if (&s != &listed && s.slot == listed.slot && s.facts.partition == listed.facts.partition)
        out.push_back(&s);
    }
  }
  return out;
}

std::optional<RebuildTarget> target_of(const LedgerCheck& ledger, const std::string& key) {
  for (const auto* list : {&ledger.segments, &ledger.dead_letters}) {
    for (const ListedSegment& s : *list) {
      if (s.facts.key != key) continue;
      const HubEntry* hub = ledger.hub_of(s.epoch);
      if (hub == nullptr) return std::nullopt;
      return RebuildTarget{&s, list == &ledger.dead_letters,
                           RecordIdentity{hub->source_id, hub->identity, hub->epoch}, siblings_of(ledger, s)};
    }
  }
  return std::nullopt;
}

Result<bool> exists(ObjectStore& store, const std::string& key) {
  const auto info = store.head(key);
  if (info) return true;
  if (info.error().code == ErrorCode::kNotFound) return false;
  return info.error();
}

}  // namespace

const char* name(RepairAction action) {
  switch (action) {
    case RepairAction::kRestoreObject:
      return "restore-object";
    case RepairAction::kRestoreSlot:
      return "restore-slot";
    case RepairAction::kRemoveLeftover:
      return "remove-leftover";
    case RepairAction::kBeginSeals:
      return "begin-seals";
  }
  return "unknown";
}

Result<std::optional<std::string>> kept_bytes(const std::filesystem::path& keep, const std::string& key) {
  const std::filesystem::path path = kept_path(keep, "rebuilt", key);
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::optional<std::string>();
  return std::optional(std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

Result<RepairPlan> Repairer::plan(const Scope& scope, VerifyMode mode,
                                  const std::function<void(const VerifyProgress&)>& progress,
                                  std::stop_token stop) {
  RepairPlan plan;
  CV_ASSIGN(plan.verified,
            verify_archive(parts_.store, parts_.layout, scope, progress, stop, {mode, nullptr, {}}));
  CV_ASSIGN(const LedgerCheck ledger, check_ledger(parts_.store, parts_.layout));
  std::set<std::string> seen;  // several things may be wrong with one object
  for (const VerifyProblem& problem : plan.verified.problems) {
    if (!seen.insert(problem.key).second) continue;
    if (problem.kind == "chain-missing" && !ledger.has_seals) {
      CV_TRY(plan_seals(problem, plan));
    } else if (problem.kind == "chain" || problem.kind == "chain-missing") {
      CV_TRY(plan_slot(problem, plan));
    } else if (is_about_bytes(problem.kind)) {
      CV_TRY(plan_object(problem, ledger, plan, stop));
    } else {
      plan.refusals.push_back({problem.key, problem.kind + ": " + problem.detail, advice_for(problem.kind)});
    }
  }
  const bool ledger_damaged =
      std::any_of(plan.verified.problems.begin(), plan.verified.problems.end(), [](const VerifyProblem& p) {
        return p.kind == "chain" || p.kind == "chain-missing" || p.kind == "hub";
      });
  // What a damaged ledger does not list may still be listed by the slot that is gone.
  if (ledger_damaged || !ledger.exists) return plan;
  CV_ASSIGN(const std::vector<Leftover> leftovers, find_leftovers(parts_.store, parts_.layout));
  for (const Leftover& leftover : leftovers) {
    if (leftover.fate == LeftoverFate::kForeign) continue;
    if (leftover.fate == LeftoverFate::kRemovable) {
      plan.items.push_back({RepairAction::kRemoveLeftover,
                            leftover.key,
                            leftover.bytes,
                            {},
                            false,
                            describe(leftover.fate),
                            {}});
    } else {
      plan.kept.push_back(leftover);
    }
  }
  return plan;
}

Result<void> Repairer::plan_object(const VerifyProblem& problem, const LedgerCheck& ledger, RepairPlan& plan,
                                   std::stop_token stop) {
  const auto target = target_of(ledger, problem.key);
  if (!target) {
    plan.refusals.push_back({problem.key, problem.kind + ": " + problem.detail, advice_for("name")});
    return {};
  }
  const auto rebuilt = rebuild_object(parts_.store, *target, sources_, stop);
  if (!rebuilt && rebuilt.error().code == ErrorCode::kCancelled) return rebuilt.error();
  if (!rebuilt) {
    plan.refusals.push_back(
        {problem.key, problem.kind + ": " + problem.detail,
         rebuilt.error().message + fmt::format("; a copy of it (sha256 {}) can be put back with: changevault "
                                               "repair --copy FOLDER",
                                               target->listed->facts.sha256)});
    return {};
  }
  CV_ASSIGN(const bool in_the_way, exists(parts_.store, problem.key));
  plan.items.push_back({RepairAction::kRestoreObject, problem.key,
                        static_cast<std::int64_t>(rebuilt->bytes.size()), target->listed->facts.sha256,
                        in_the_way, problem.kind + ": " + problem.detail, rebuilt->sources});
  return {};
}

// A slot carries a random nonce, so its bytes cannot be computed; a copy is proven by the slot behind it.
Result<void> Repairer::plan_slot(const VerifyProblem& problem, RepairPlan& plan) {
  const auto place = slot_place(problem.key);
  const std::string what = problem.kind + ": " + problem.detail;
  if (!place) {
    plan.refusals.push_back({problem.key, what, advice_for("hub")});
    return {};
  }
  CV_ASSIGN(const std::optional<std::string> sha, wanted_sha(parts_.store, *place));
  if (!sha) {
    plan.refusals.push_back({problem.key, what,
                             "no later slot says what its bytes were, so not even a copy of it could be "
                             "proven; restore the folder _ledger from a backup as a whole"});
    return {};
  }
  std::optional<std::string> copy;
  if (sources_.copy) {
    CV_ASSIGN(copy, sources_.copy(problem.key));
  }
  CV_ASSIGN(const bool in_the_way, exists(parts_.store, problem.key));
  if (in_the_way) {
    CV_ASSIGN(const std::string standing, parts_.store.get(problem.key));
    if (sha256_hex(standing) == *sha) {
      plan.refusals.push_back({problem.key, what, advice_for("hub")});
      return {};
    }
  }
  if (!copy || sha256_hex(*copy) != *sha) {
    plan.refusals.push_back(
        {problem.key, what,
         fmt::format("a ledger slot carries a random number, so it cannot be computed again; a copy of it "
                     "(sha256 {}) can be put back with: changevault repair --copy FOLDER",
                     *sha)});
    return {};
  }
  plan.items.push_back({RepairAction::kRestoreSlot, problem.key, static_cast<std::int64_t>(copy->size()),
                        *sha, in_the_way, what, "a copy"});
  return {};
}

Result<SealsBeginning> Repairer::seals_beginning() const {
  if (sources_.hub == nullptr || names_.group.empty()) {
    return Error(
        ErrorCode::kIndeterminate, "only the hub can prove which one was archived", "",
        "run repair where the hub can be reached, or put the folder _ledger/seals back from a backup");
  }
  return SealsBeginning({*sources_.hub, parts_.store, parts_.layout, parts_.clock, parts_.random}, names_);
}

// A copy of the folder is better than a chain begun anew: it is the one that was there.
Result<void> Repairer::plan_seals(const VerifyProblem& problem, RepairPlan& plan) {
  const std::string what = problem.kind + ": " + problem.detail;
  Result<SealsBeginning> beginning = seals_beginning();
  auto proof = beginning ? beginning->prove() : Result<SealsBeginning::Proof>(beginning.error());
  if (!proof) {
    plan.refusals.push_back({problem.key, what, proof.error().message + "; " + proof.error().hint});
    return {};
  }
  plan.items.push_back(
      {RepairAction::kBeginSeals,
       problem.key,
       0,
       {},
       false,
       what,
       fmt::format("the hub, proven by the last event of {} {}; archive writes the seals again",
                   proof->proven, proof->proven == 1 ? "partition" : "partitions")});
  return {};
}

Result<std::string> Repairer::bytes_for(const RepairItem& item, const LedgerCheck& ledger,
                                        std::stop_token stop) {
  std::string bytes;
  if (item.action == RepairAction::kRestoreSlot) {
    CV_ASSIGN(std::optional<std::string> copy, sources_.copy(item.key));
    bytes = std::move(copy).value_or(std::string());
  } else {
    const auto target = target_of(ledger, item.key);
    if (!target) return Error(ErrorCode::kStalePlan, "the ledger no longer lists it", item.key);
    CV_ASSIGN(RebuiltObject rebuilt, rebuild_object(parts_.store, *target, sources_, std::move(stop)));
    bytes = std::move(rebuilt.bytes);
  }
  if (sha256_hex(bytes) != item.sha256)
    return Error(ErrorCode::kStalePlan, "its bytes are not those of the plan any more", item.key);
  return bytes;
}

Result<void> Repairer::restore(const RepairItem& item, const LedgerCheck& ledger,
                               const std::filesystem::path& keep, std::stop_token stop) {
  CV_ASSIGN(const std::string bytes, bytes_for(item, ledger, std::move(stop)));
  const auto standing = parts_.store.get(item.key);
  if (!standing && standing.error().code != ErrorCode::kNotFound) return standing.error();
  if (standing && *standing == bytes) return {};  // somebody was quicker
  if (standing) {
    CV_TRY(keep_file(kept_path(keep, "rebuilt", item.key), bytes));
    CV_TRY(keep_file(kept_path(keep, "damaged", item.key), *standing));
    CV_TRY(parts_.store.remove(item.key));
  }
  const char* type = item.action == RepairAction::kRestoreSlot ? "application/json" : "application/gzip";
  CV_TRY(parts_.store.put_if_absent(item.key, bytes, {.content_type = type, .md5_hex = {}}));
  CV_ASSIGN(const std::string written, parts_.store.get(item.key));
  if (written == bytes) return {};
  return Error(ErrorCode::kFenced, "somebody else wrote other bytes under this name meanwhile", item.key);
}

Result<void> Repairer::begin_seals(const RepairActor& actor) const {
  CV_ASSIGN(SealsBeginning beginning, seals_beginning());
  return beginning.begin(actor.host + ":repair");
}

Result<RepairOutcome> Repairer::run(const RepairPlan& plan, const std::filesystem::path& keep,
                                    const RepairActor& actor, std::stop_token stop) {
  RepairJournal journal({parts_.store, parts_.layout, parts_.clock, parts_.random});
  CV_ASSIGN(RepairOutcome outcome, journal.begin(plan, actor));
  CV_ASSIGN(const LedgerCheck ledger, check_ledger(parts_.store, parts_.layout));
  std::vector<std::string> leftovers;
  for (const RepairItem& item : plan.items) {
    if (stop.stop_requested()) break;
    if (item.action == RepairAction::kRemoveLeftover) {
      leftovers.push_back(item.key);
      continue;
    }
    const auto restored =
        item.action == RepairAction::kBeginSeals ? begin_seals(actor) : restore(item, ledger, keep, stop);
    if (restored) {
      outcome.done.push_back(item.key);
    } else {
      outcome.not_done.push_back({item.key, restored.error().message, restored.error().hint});
    }
  }
  const auto removed = remove_leftovers(parts_.store, parts_.layout, leftovers);
  if (!removed) outcome.not_done.push_back({"leftovers", removed.error().to_string(), removed.error().hint});
  for (const Leftover& leftover : removed.value_or(std::vector<Leftover>())) {
    if (leftover.fate == LeftoverFate::kRemovable) {
      outcome.done.push_back(leftover.key);
    } else {
      outcome.not_done.push_back({leftover.key, describe(leftover.fate), ""});
    }
  }
  CV_TRY(journal.end(outcome, actor));
  if (stop.stop_requested())
    return Error(ErrorCode::kCancelled, "stopped before all was repaired", "repair " + outcome.id,
                 "what was done is recorded; run the same command again for the rest");
  return outcome;
}

}  // namespace changevault
