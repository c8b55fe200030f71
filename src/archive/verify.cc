#include "archive/verify.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/core.h>

#include "archive/verify_adopted.h"
#include "archive/verify_ledger.h"
#include "archive/verify_memory.h"
#include "archive/verify_segment.h"
#include "base/hash.h"
#include "base/mutex.h"

namespace changevault {
namespace {

struct Target {
  const ListedSegment* listed;
  bool dead_letter;
  std::optional<ObjectInfo> seen;  // in the listing of the store

  const SegmentFacts& facts() const { return listed->facts; }
};

class Verifier {
 public:
  using Progress = std::function<void(const VerifyProgress&)>;

  Verifier(ObjectStore& store, const KeyLayout& layout, const Scope& scope, const Progress& progress,
           std::stop_token stop, const VerifyOptions& options)
      : store_(store),
        layout_(layout),
        scope_(scope),
        progress_(progress),
        stop_(std::move(stop)),
        options_(options),
        memory_(options.memory) {}

  Result<VerifyReport> run() {
    report_.mode = options_.mode;
    CV_ASSIGN(ledger_, check_ledger(store_, layout_));
    report_.slots_checked = ledger_.slots;
    report_.seals_checked = static_cast<std::int64_t>(ledger_.seals.size());
    report_.lost_ranges = static_cast<std::int64_t>(ledger_.lost.size());
    report_.problems = ledger_.problems;
    if (!ledger_.exists) {
      report_.reason = "there is no ledger here, so nothing says what should be there";
      return std::move(report_);
    }
    prepare_memory();
    choose_targets();
    CV_TRY(look_around());
    CV_TRY(check_targets());
    conclude();
    return std::move(report_);
  }

 private:
  // An archive is known again by its first ledger slot and by where it stands: a copy is another one.
  void prepare_memory() {
    if (memory_ == nullptr) return;
    const MutexLock lock(mutex_);
    VerifyMemory& memory = *memory_;
    const std::string archive =
        ledger_.identity.empty() ? std::string()
                                 : sha256_hex(ledger_.identity + "\n" + store_.url() + "\n" + layout_.root());
    if (!archive.empty() && memory.archive() == archive) return;
    if (memory.size() > 0) report_.notes.push_back("what was remembered is of another archive; not used");
    memory = VerifyMemory(archive);
  }

  void choose_targets() {
    for (const ListedSegment& s : ledger_.segments) {
      if (scope_.touches(s.facts)) targets_.push_back({&s, false, std::nullopt});
    }
    for (const ListedSegment& s : ledger_.adopted) {
      if (touches(scope_, s)) targets_.push_back({&s, false, std::nullopt});
    }
    // Dead letters have no namespace: a scope that names one is not about them.
    for (const ListedSegment& s : ledger_.dead_letters) {
      if (scope_.matches(Namespace{}) && scope_.touches(s.facts.hour))
        targets_.push_back({&s, true, std::nullopt});
    }
  }

  // Everything below the root, once: what the targets look like from outside, and what nothing lists.
  Result<void> look_around() {
    std::unordered_map<std::string_view, Target*> targets;
    for (Target& t : targets_) targets.emplace(t.facts().key, &t);
    std::unordered_set<std::string_view> listed;
    for (const auto* list : {&ledger_.segments, &ledger_.dead_letters, &ledger_.adopted}) {
      for (const ListedSegment& s : *list) listed.insert(s.facts.key);
    }
    std::set<std::string_view> salvage;
    for (const LostRange& lost : ledger_.lost)
      salvage.insert(lost.entry.salvage.begin(), lost.entry.salvage.end());
    const std::string ledger = layout_.ledger_prefix();
    return for_each_object(store_, layout_.archive_prefix(), [&](const ObjectInfo& info) -> Result<void> {
      if (const auto target = targets.find(info.key); target != targets.end()) target->second->seen = info;
      if (info.key.starts_with(ledger) || listed.contains(info.key)) return {};
      const auto name = layout_.parse(info.key);
      if (!name && layout_.parse_oversize(info.key)) {
        ++report_.oversize_bodies;
        report_.oversize_bytes += info.bytes;
        return {};
      }
      if (!name || !name->origin) {
        report_.foreign.push_back(info.key);
        return {};
      }
      (salvage.contains(info.key) ? report_.salvage : report_.leftovers).push_back(info.key);
      return check_claim(info.key, *name->origin);
    });
  }

  // Nothing is uploaded before its claim is written: an object whose claim is not there speaks of slots that
  // are gone. The store is asked again, as an archiver may have claimed since the chains were read.
  Result<void> check_claim(const std::string& key, const SegmentName::Origin& origin) {
    const auto end = ledger_.ends.find(origin.partition);
    if (end == ledger_.ends.end() || origin.claim < end->second) return {};
    const auto slot =
        store_.head(layout_.partition_chain(origin.partition) + KeyLayout::slot_name(origin.claim));
    if (slot) return {};
    if (slot.error().code != ErrorCode::kNotFound) return slot.error();
    report_.problems.push_back(
        {"chain-missing", key,
         fmt::format("it was uploaded under slot {} of partition {}, which the ledger does not have",
                     origin.claim.value, origin.partition.value)});
    return {};
  }

  // Segments are independent: every core takes the next one.
  Result<void> check_targets() {
    recall();
    for (const Target* t : to_check_) bytes_all_ += t->facts().bytes;
    const std::size_t workers =
        std::min<std::size_t>(std::max(1U, std::thread::hardware_concurrency()), to_check_.size());
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < workers; ++i) threads.emplace_back([this] { work(); });
    }
    report_findings();
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped before everything was checked");
    std::sort(report_.problems.begin(), report_.problems.end(),
              [](const VerifyProblem& a, const VerifyProblem& b) {
                return std::tie(a.key, a.kind) < std::tie(b.key, b.kind);
              });
    return {};
  }

  // Leaves what the memory answers for out of what is to be checked.
  void recall() {
    const bool asked = options_.mode == VerifyMode::kIncremental && memory_ != nullptr;
    const MutexLock lock(mutex_);
    for (const Target& t : targets_) {
      const RememberedObject* known =
          asked && t.seen ? memory_->find(*t.seen, t.facts(), origin_of(t)) : nullptr;
      if (known == nullptr) {
        to_check_.push_back(&t);
        continue;
      }
      ++report_.remembered;
      report_.oldest_check = std::min(report_.oldest_check.value_or(known->checked), known->checked);
    }
  }

  // Of which source and which life of the hub its records are: their ids are made from it.
  RecordIdentity identity_of(const Target& target) const {
    if (target.listed->adopted()) return {target.listed->foreign->source_id, "", Epoch(0)};
    const HubEntry* hub = ledger_.hub_of(target.listed->epoch);
    if (hub == nullptr) return {"", "", target.listed->epoch};
    return {hub->source_id, hub->identity, hub->epoch};
  }
  std::string origin_of(const Target& target) const {
    const RecordIdentity identity = identity_of(target);
    return fmt::format("{}\n{}\n{}", identity.source_id, identity.hub_identity, identity.epoch.value);
  }

  void work() {
    for (std::size_t i = next_++; i < to_check_.size() && !stop_.stop_requested(); i = next_++) {
      const Target& target = *to_check_[i];
      const VerifyContext context{store_, layout_, identity_of(target), bytes_read_, stop_};
      const ObjectInfo* seen = target.seen ? &*target.seen : nullptr;
      const auto checked = target.listed->adopted() ? check_adopted(context, *target.listed, seen)
                           : options_.mode == VerifyMode::kQuick
                               ? verify_presence(context, target.facts(), target.dead_letter, seen)
                               : verify_segment(context, target.facts(), target.dead_letter, seen);
      const MutexLock lock(mutex_);
      if (checked) {
        take(*checked, target);
      } else if (checked.error().code != ErrorCode::kCancelled) {
        ++found_.unreadable;
        found_.problems.push_back({"unreadable", target.facts().key, checked.error().message});
      }
    }
  }

  Result<SegmentCheck> check_adopted(const VerifyContext& context, const ListedSegment& listed,
                                     const ObjectInfo* seen) const {
    return options_.mode == VerifyMode::kQuick ? verify_adopted_presence(context, listed, seen)
                                               : verify_adopted(context, listed, seen);
  }

  void take(const SegmentCheck& check, const Target& target) CV_REQUIRES(mutex_) {
    ++found_.done;
    if (target.listed->adopted()) ++found_.adopted;
    found_.bytes += check.bytes;
    (target.dead_letter ? found_.dead_letters : found_.records) += check.records;
    if (!target.dead_letter) ++found_.segments;
    found_.problems.insert(found_.problems.end(), check.problems.begin(), check.problems.end());
    if (options_.mode != VerifyMode::kQuick && memory_ != nullptr) tell_memory(check, target);
    if (progress_)
      progress_({found_.done, static_cast<std::int64_t>(to_check_.size()), bytes_read_.load(), bytes_all_});
  }

  void tell_memory(const SegmentCheck& check, const Target& target) CV_REQUIRES(mutex_) {
    if (check.problems.empty() && target.seen) {
      memory_->remember(*target.seen, target.facts(), origin_of(target), options_.now);
    } else {
      memory_->forget(target.facts().key);
    }
  }

  void report_findings() {
    const MutexLock lock(mutex_);
    report_.bytes_read = found_.bytes;
    report_.records_checked = found_.records;
    report_.dead_letters_checked = found_.dead_letters;
    report_.segments_checked = found_.segments;
    report_.adopted_checked = found_.adopted;
    report_.problems.insert(report_.problems.end(), found_.problems.begin(), found_.problems.end());
    unreadable_ = found_.unreadable;
  }

  // Nothing to check is no proof, except where a seal says that there was nothing.
  void conclude() {
    if (static_cast<std::int64_t>(report_.problems.size()) > unreadable_) {
      report_.verdict = Verdict::kFail;
    } else if (unreadable_ > 0) {
      report_.reason = fmt::format("{} could not be read, nothing else is wrong",
                                   unreadable_ == 1 ? "one object" : fmt::format("{} objects", unreadable_));
    } else if (!targets_.empty() || is_sealed_quiet()) {
      report_.verdict = Verdict::kPass;
      if (targets_.empty()) report_.reason = "quiet: sealed without events";
    } else {
      report_.reason = ledger_.segments.empty() && ledger_.adopted.empty()
                           ? "the archive is empty"
                           : "nothing is known about this scope";
    }
  }

  bool is_sealed_quiet() const {
    const bool known = std::any_of(ledger_.segments.begin(), ledger_.segments.end(),
                                   [&](const ListedSegment& s) { return scope_.matches(s.facts.ns); });
    if (!known || ledger_.seals.empty() || !scope_.time.bounded()) return false;
    return ledger_.seals.front().from.start() <= scope_.time.from &&
           scope_.time.to <= ledger_.seals.back().to.start() && !loss_touches_scope();
  }

  bool loss_touches_scope() const {
    return std::any_of(ledger_.lost.begin(), ledger_.lost.end(), [&](const LostRange& lost) {
      return scope_.time.overlaps(lost.entry.from.value_or(Timestamp{INT64_MIN}),
                                  lost.entry.to.value_or(Timestamp{INT64_MAX}));
    });
  }

  ObjectStore& store_;
  const KeyLayout& layout_;
  const Scope& scope_;
  const Progress& progress_;
  std::stop_token stop_;
  VerifyOptions options_;
  LedgerCheck ledger_;
  std::vector<Target> targets_;
  std::vector<const Target*> to_check_;  // all but what the memory answers for
  std::int64_t bytes_all_ = 0;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::int64_t> bytes_read_{0};
  VerifyReport report_;
  std::int64_t unreadable_ = 0;  // of the problems: objects that the store did not give

  // What the workers share.
  struct Findings {
    std::int64_t done = 0, bytes = 0, records = 0, dead_letters = 0, segments = 0, unreadable = 0;
    std::int64_t adopted = 0;
    std::vector<VerifyProblem> problems;
  };
  Mutex mutex_;
  Findings found_ CV_GUARDED_BY(mutex_);
  VerifyMemory* const memory_ CV_PT_GUARDED_BY(mutex_);
};

}  // namespace

const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "PASS";
    case Verdict::kFail:
      return "FAIL";
    case Verdict::kIndeterminate:
      return "INDETERMINATE";
  }
  return "INDETERMINATE";
}

const char* name(VerifyMode mode) {
  switch (mode) {
    case VerifyMode::kFull:
      return "full";
    case VerifyMode::kQuick:
      return "quick";
    case VerifyMode::kIncremental:
      return "incremental";
  }
  return "full";
}

Result<VerifyReport> verify_archive(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                    const std::function<void(const VerifyProgress&)>& progress,
                                    std::stop_token stop, const VerifyOptions& options) {
  return Verifier(store, layout, scope, progress, std::move(stop), options).run();
}

}  // namespace changevault
