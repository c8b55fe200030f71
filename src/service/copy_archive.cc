#include "service/copy_archive.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "archive/catalog.h"
#include "base/first_error.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "service/read_catalog.h"

namespace changevault {
namespace {

constexpr std::size_t kBatch = 4096;  // objects that are known of at once

struct Item {
  ObjectInfo source;
  std::optional<ObjectInfo> standing;  // at the destination
};

std::string md5_hex(std::string_view bytes) {
  const Md5 hash = md5(bytes);
  return to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

const char* type_of(const std::string& key) {
  return key.ends_with(".json") ? "application/json" : "application/gzip";
}

// Bytes that may be held at once.
class Budget {
 public:
  explicit Budget(std::int64_t bytes) : all_(bytes), left_(bytes) {}
  // Waits for its turn; a larger one than all counts as all.
  std::int64_t take(std::int64_t bytes) {
    const std::int64_t wanted = std::min(bytes, all_);
    const MutexLock lock(mutex_);
    while (left_ < wanted) changed_.wait(mutex_);
    left_ -= wanted;
    return wanted;
  }
  void give_back(std::int64_t taken) {
    const MutexLock lock(mutex_);
    left_ += taken;
    changed_.notify_all();
  }

 private:
  const std::int64_t all_;
  Mutex mutex_;
  CondVar changed_;
  std::int64_t left_ CV_GUARDED_BY(mutex_);
};

class Copier {
 public:
  Copier(ObjectStore& from, ObjectStore& to, const KeyLayout& layout, const CopyOptions& options)
      : from_(from), to_(to), layout_(layout), options_(options), budget_(options.memory) {}

  Result<CopyReport> run() {
    CV_ASSIGN(const bool begun, compare_beginnings());
    // First the seals, then the other chains: what a seal names is in them. The files come after the ledger
    // that lists them: none of those is missing.
    CV_ASSIGN(const std::vector<Item> seals, ledger_items(layout_.seal_chain()));
    CV_ASSIGN(const std::vector<Item> adopted, ledger_items(layout_.adopted_chain()));
    CV_ASSIGN(const std::vector<Item> others, other_ledger_items());
    CV_TRY(read_facts());
    CV_TRY(copy_files());
    if (!no_problem()) return report(false);
    // Nothing is added to a ledger before all that stands there is known to be this one's.
    CV_TRY(compare_standing(others));
    CV_TRY(compare_standing(seals));
    CV_TRY(compare_standing(adopted));
    CV_TRY(copy_ledger(others, begun));
    // Nothing but its order says that this chain is whole.
    if (no_problem()) CV_TRY(copy_ledger(adopted, /*begun=*/true));
    if (no_problem()) CV_TRY(copy_ledger(seals, begun));
    return report(no_problem());
  }

 private:
  // Whether the destination has this archive's ledger already. What is another's is refused.
  Result<bool> compare_beginnings() {
    const std::string first = layout_.seal_chain() + KeyLayout::slot_name(Slot(0));
    const Result<std::string> theirs = to_.get(first);
    if (!theirs && theirs.error().code != ErrorCode::kNotFound) return theirs.error();
    const Result<std::string> ours = from_.get(first);
    if (!ours && ours.error().code != ErrorCode::kNotFound) return ours.error();
    CV_TRY(find_ledger(ours.has_value()));
    if (!theirs) return false;
    if (ours && *ours == *theirs) return true;
    return Error(ErrorCode::kFenced, "the destination holds another archive", to_.url(),
                 "copy to an empty place; nothing was changed");
  }

  // A ledger whose first seal is gone is damaged, not absent.
  Result<void> find_ledger(bool has_first_seal) {
    if (!has_first_seal) {
      const Result<Catalog> catalog = read_catalog(from_, layout_);
      by_ledger_ = false;
      if (!catalog && catalog.error().code == ErrorCode::kNotFound) return {};
      if (!catalog) return catalog.error();
    }
    by_ledger_ = true;
    return {};
  }

  // The objects below a folder of the ledger, each with what stands at the destination.
  Result<std::vector<Item>> ledger_items(const std::string& prefix) {
    std::vector<Item> items;
    CV_TRY(join(prefix, [&](Item item) -> Result<void> {
      items.push_back(std::move(item));
      return {};
    }));
    return items;
  }

  Result<std::vector<Item>> other_ledger_items() {
    CV_ASSIGN(std::vector<Item> items, ledger_items(layout_.ledger_prefix()));
    std::erase_if(items, [&](const Item& item) {
      return item.source.key.starts_with(layout_.seal_chain()) ||
             item.source.key.starts_with(layout_.adopted_chain());
    });
    return items;
  }

  // What the source has, each with what stands at the destination. What only the destination has is a history
  // of its own, where it is a slot. No order is relied on: hierarchical accounts list folder by folder.
  Result<void> join(const std::string& prefix, const std::function<Result<void>(Item)>& each) {
    std::unordered_map<std::string, ObjectInfo> standing;
    CV_TRY(for_each_object(to_, prefix, [&](const ObjectInfo& object) -> Result<void> {
      standing.emplace(object.key, object);
      return {};
    }));
    CV_TRY(for_each_object(from_, prefix, [&](const ObjectInfo& object) -> Result<void> {
      if (options_.stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      Item item{object, std::nullopt};
      if (const auto found = standing.find(object.key); found != standing.end()) {
        item.standing = std::move(found->second);
        standing.erase(found);
      }
      return each(std::move(item));
    }));
    for (const auto& [key, object] : standing) {
      if (by_ledger_ && key.starts_with(layout_.ledger_prefix())) return gone_on(key);
    }
    return {};
  }

  static Error gone_on(const std::string& key) {
    return Error(
        ErrorCode::kFenced, "the destination's ledger has entries that are not the source's", key,
        "somebody archives there already: two histories cannot be joined; nothing was changed in its ledger");
  }

  Result<void> read_facts() {
    if (!by_ledger_) return {};
    CV_ASSIGN(const Catalog catalog, read_catalog(from_, layout_));
    if (!catalog.problems().empty()) {
      Error error = catalog.problems().front().error;
      error.hint = "a damaged ledger is not copied; see what can be put right with: changevault repair";
      return error;
    }
    for (const auto* list : {&catalog.segments(), &catalog.dead_letters()}) {
      for (const ListedSegment& segment : *list) facts_[segment.facts.key] = segment.facts.sha256;
    }
    return {};
  }

  Result<void> copy_files() {
    std::vector<Item> batch;
    std::unordered_set<std::string_view> unseen;  // keys in facts_
    for (const auto& [key, sha256] : facts_) unseen.insert(key);
    CV_TRY(join(layout_.archive_prefix(), [&](Item item) -> Result<void> {
      if (item.source.key.starts_with(layout_.ledger_prefix())) return {};
      unseen.erase(item.source.key);
      batch.push_back(std::move(item));
      if (batch.size() < kBatch) return {};
      return copy_batch(std::exchange(batch, {}));
    }));
    for (const std::string_view key : unseen) tell_missing(std::string(key));
    return copy_batch(batch);
  }

  void tell_missing(const std::string& key) {
    const MutexLock lock(mutex_);
    problems_.push_back({key, Error(ErrorCode::kCorrupt, "a segment that the ledger lists is gone", key)});
  }

  Result<void> copy_batch(const std::vector<Item>& items) {
    return in_parallel(items.size(), [&](std::size_t i) { return copy(items[i]); });
  }

  Result<void> compare_standing(const std::vector<Item>& items) {
    return in_parallel(items.size(),
                       [&](std::size_t i) { return items[i].standing ? copy(items[i]) : Result<void>(); });
  }

  // A new ledger is none until its first seal is there, so its slots may come in any order before that. One
  // that is there grows slot by slot, as whoever reads it meanwhile expects.
  Result<void> copy_ledger(const std::vector<Item>& items, bool begun) {
    const std::string first = layout_.seal_chain() + KeyLayout::slot_name(Slot(0));
    std::vector<const Item*> missing;
    const Item* last = nullptr;
    for (const Item& item : items) {
      if (item.standing) continue;
      if (item.source.key == first) {
        last = &item;
      } else {
        missing.push_back(&item);
      }
    }
    if (begun) {
      std::ranges::sort(missing, {}, [](const Item* item) -> const std::string& { return item->source.key; });
      for (const Item* item : missing) {
        CV_TRY(copy(*item));
        if (!no_problem()) return {};  // no slot behind one that is not there
      }
      return {};
    }
    CV_TRY(in_parallel(missing.size(), [&](std::size_t i) { return copy(*missing[i]); }));
    return last != nullptr && no_problem() ? copy(*last) : Result<void>();
  }

  bool no_problem() {
    const MutexLock lock(mutex_);
    return problems_.empty();
  }

  // The first error ends it.
  Result<void> in_parallel(std::size_t count, const std::function<Result<void>(std::size_t)>& each) {
    std::atomic<std::size_t> next{0};
    std::atomic<bool> over{false};
    FirstError failed;
    const auto work = [&] {
      for (std::size_t i = next++; i < count && !over; i = next++) {
        const Result<void> done = each(i);
        if (done) continue;
        over = true;
        failed.put(done.error());
      }
    };
    {
      const int wanted = std::max(from_.concurrency(), to_.concurrency());
      std::vector<std::jthread> threads;
      for (std::size_t i = 1; i < std::min(count, static_cast<std::size_t>(wanted)); ++i)
        threads.emplace_back(work);
      work();
    }
    return failed.result();
  }

  // An error is the stores'; what is wrong with this object alone is noted.
  Result<void> copy(const Item& item) {
    if (options_.stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    const std::int64_t taken = budget_.take(item.source.bytes);
    Result<void> done = copy_now(item);
    budget_.give_back(taken);
    if (done) return done;
    const ErrorCode code = done.error().code;
    if (code != ErrorCode::kCorrupt && code != ErrorCode::kNotFound) return done;
    // What the ledger does not list may be removed by whoever maintains the source meanwhile.
    const bool listed =
        facts_.contains(item.source.key) || item.source.key.starts_with(layout_.ledger_prefix());
    if (code == ErrorCode::kNotFound && by_ledger_ && !listed) return {};
    const MutexLock lock(mutex_);
    problems_.push_back({item.source.key, done.error()});
    return {};
  }

  Result<void> copy_now(const Item& item) {
    const std::string& key = item.source.key;
    const auto known = facts_.find(key);
    const std::string* const sha256 = known == facts_.end() ? nullptr : &known->second;
    if (item.standing && same_by_listing(item)) return count_standing(false);
    CV_ASSIGN(const std::string bytes, from_.get(key));
    const std::string actual = sha256_hex(bytes);
    if (sha256 != nullptr && actual != *sha256)
      return Error(ErrorCode::kCorrupt, "the object's sha256 is not what the ledger says", key);
    if (item.standing) return compare(key, bytes, sha256 != nullptr);
    PutOptions options{type_of(key), {}, actual};
    const std::string md5 = md5_hex(bytes);
    options.md5_hex = md5;
    CV_ASSIGN(const PutOutcome outcome, to_.put_if_absent(key, bytes, options));
    if (outcome == PutOutcome::kExists) return compare(key, bytes, sha256 != nullptr);
    const MutexLock lock(mutex_);
    ++copied_;
    bytes_ += static_cast<std::int64_t>(bytes.size());
    proven_ += sha256 != nullptr ? 1 : 0;
    tell();
    return {};
  }

  // Both stores keep MD5s and these agree: nothing has to be read.
  static bool same_by_listing(const Item& item) {
    return !item.source.md5_hex.empty() && item.source.md5_hex == item.standing->md5_hex &&
           item.source.bytes == item.standing->bytes;
  }

  Result<void> compare(const std::string& key, const std::string& bytes, bool proven) {
    CV_ASSIGN(const std::string standing, to_.get(key));
    if (standing == bytes) return count_standing(proven);
    if (by_ledger_ && key.starts_with(layout_.ledger_prefix())) return gone_on(key);
    return Error(ErrorCode::kCorrupt,
                 "the destination holds other bytes under this name; nothing was overwritten", key);
  }

  Result<void> count_standing(bool proven) {
    const MutexLock lock(mutex_);
    ++already_there_;
    proven_ += proven ? 1 : 0;
    tell();
    return {};
  }

  void tell() CV_REQUIRES(mutex_) {
    if (options_.on_progress) options_.on_progress(copied_ + already_there_, bytes_);
  }

  CopyReport report(bool complete) {
    const MutexLock lock(mutex_);
    std::ranges::sort(problems_, {}, &CopyProblem::key);
    return {copied_, already_there_, bytes_, proven_, by_ledger_, complete, problems_};
  }

  ObjectStore& from_;
  ObjectStore& to_;
  const KeyLayout& layout_;
  const CopyOptions& options_;
  Budget budget_;
  bool by_ledger_ = true;
  std::map<std::string, std::string> facts_;  // sha256 by key, of what the ledger lists
  Mutex mutex_;
  std::vector<CopyProblem> problems_ CV_GUARDED_BY(mutex_);
  std::int64_t copied_ CV_GUARDED_BY(mutex_) = 0;
  std::int64_t already_there_ CV_GUARDED_BY(mutex_) = 0;
  std::int64_t bytes_ CV_GUARDED_BY(mutex_) = 0;
  std::int64_t proven_ CV_GUARDED_BY(mutex_) = 0;
};

}  // namespace

Result<CopyReport> copy_archive(ObjectStore& from, ObjectStore& to, const KeyLayout& layout,
                                const CopyOptions& options) {
  return Copier(from, to, layout, options).run();
}

}  // namespace changevault
