#include "archive/verify.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "archive/verify_ledger.h"
#include "archive/verify_segment.h"

namespace changevault {
namespace {

struct Target {
  const SegmentFacts* facts;
  bool dead_letter;
};

class Verifier {
 public:
  using Progress = std::function<void(const VerifyProgress&)>;

  Verifier(ObjectStore& store, const KeyLayout& layout, const Scope& scope, const Progress& progress,
           std::stop_token stop)
      : store_(store), layout_(layout), scope_(scope), progress_(progress), stop_(std::move(stop)) {}

  Result<VerifyReport> run() {
    CV_ASSIGN(ledger_, check_ledger(store_, layout_));
    report_.slots_checked = ledger_.slots;
    report_.seals_checked = static_cast<std::int64_t>(ledger_.seals.size());
    report_.problems = ledger_.problems;
    if (!ledger_.exists) {
      report_.reason = "there is no ledger here, so nothing says what should be there";
      return std::move(report_);
    }
    choose_targets();
    CV_TRY(check_targets());
    CV_TRY(find_leftovers());
    conclude();
    return std::move(report_);
  }

 private:
  void choose_targets() {
    for (const ListedSegment& s : ledger_.segments) {
      if (scope_.touches(s.facts)) targets_.push_back({&s.facts, false});
    }
    // Dead letters have no namespace: a scope that names one is not about them.
    for (const ListedSegment& s : ledger_.dead_letters) {
      if (scope_.matches(Namespace{}) && scope_.touches(s.facts.hour)) targets_.push_back({&s.facts, true});
    }
    for (const Target& t : targets_) bytes_all_ += t.facts->bytes;
  }

  // Segments are independent: every core takes the next one.
  Result<void> check_targets() {
    const std::size_t workers =
        std::min<std::size_t>(std::max(1U, std::thread::hardware_concurrency()), targets_.size());
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < workers; ++i) threads.emplace_back([this] { work(); });
    }
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped before everything was checked");
    std::sort(report_.problems.begin(), report_.problems.end(),
              [](const VerifyProblem& a, const VerifyProblem& b) {
                return std::tie(a.key, a.kind) < std::tie(b.key, b.kind);
              });
    return {};
  }

  void work() {
    const RecordIdentity identity{ledger_.hub.source_id, ledger_.hub.identity, ledger_.hub.epoch};
    const VerifyContext context{store_, layout_, identity, bytes_read_, stop_};
    for (std::size_t i = next_++; i < targets_.size() && !stop_.stop_requested(); i = next_++) {
      const auto checked = verify_segment(context, *targets_[i].facts, targets_[i].dead_letter);
      const std::lock_guard lock(mutex_);
      if (checked) {
        take(*checked, targets_[i].dead_letter);
      } else if (checked.error().code != ErrorCode::kCancelled) {
        ++unreadable_;
        report_.problems.push_back({"unreadable", targets_[i].facts->key, checked.error().message});
      }
    }
  }

  void take(const SegmentCheck& check, bool dead_letter) {
    ++done_;
    report_.bytes_read += check.bytes;
    (dead_letter ? report_.dead_letters_checked : report_.records_checked) += check.records;
    if (!dead_letter) ++report_.segments_checked;
    report_.problems.insert(report_.problems.end(), check.problems.begin(), check.problems.end());
    if (progress_)
      progress_({done_, static_cast<std::int64_t>(targets_.size()), bytes_read_.load(), bytes_all_});
  }

  Result<void> find_leftovers() {
    std::set<std::string_view> listed;
    for (const auto* list : {&ledger_.segments, &ledger_.dead_letters}) {
      for (const ListedSegment& s : *list) listed.insert(s.facts.key);
    }
    const std::string ledger = layout_.ledger_prefix();
    return for_each_object(store_, layout_.archive_prefix(), [&](const ObjectInfo& info) -> Result<void> {
      if (info.key.starts_with(ledger) || listed.contains(info.key)) return {};
      report_.leftovers.push_back(info.key);
      return check_claim(info.key);
    });
  }

  // Nothing is uploaded before its claim is written: an object whose claim is not there speaks of slots that
  // are gone. The store is asked again, as an archiver may have claimed since the chains were read.
  Result<void> check_claim(const std::string& key) {
    const auto name = layout_.parse(key);
    if (!name || !name->origin) return {};
    const auto [partition, first, last, claim] = *name->origin;
    const auto end = ledger_.ends.find(partition);
    if (end == ledger_.ends.end() || claim < end->second) return {};
    const auto slot = store_.head(layout_.partition_chain(partition) + KeyLayout::slot_name(claim));
    if (slot) return {};
    if (slot.error().code != ErrorCode::kNotFound) return slot.error();
    report_.problems.push_back(
        {"chain-missing", key,
         fmt::format("it was uploaded under slot {} of partition {}, which the ledger does not have",
                     claim.value, partition.value)});
    return {};
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
      report_.reason =
          ledger_.segments.empty() ? "the archive is empty" : "nothing is known about this scope";
    }
  }

  bool is_sealed_quiet() const {
    const bool known = std::any_of(ledger_.segments.begin(), ledger_.segments.end(),
                                   [&](const ListedSegment& s) { return scope_.matches(s.facts.ns); });
    if (!known || ledger_.seals.empty() || !scope_.time.bounded()) return false;
    return ledger_.seals.front().from.start() <= scope_.time.from &&
           scope_.time.to <= ledger_.seals.back().to.start();
  }

  ObjectStore& store_;
  const KeyLayout& layout_;
  const Scope& scope_;
  const Progress& progress_;
  std::stop_token stop_;
  LedgerCheck ledger_;
  std::vector<Target> targets_;
  std::int64_t bytes_all_ = 0;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::int64_t> bytes_read_{0};
  std::mutex mutex_;  // guards report_, unreadable_ and done_ while workers run
  std::int64_t done_ = 0;
  std::int64_t unreadable_ = 0;  // of the problems: objects that the store did not give
  VerifyReport report_;
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

Result<VerifyReport> verify_archive(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                    const std::function<void(const VerifyProgress&)>& progress,
                                    std::stop_token stop) {
  return Verifier(store, layout, scope, progress, std::move(stop)).run();
}

}  // namespace changevault
