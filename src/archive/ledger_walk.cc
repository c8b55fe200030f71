#include "archive/ledger_walk.h"

#include <utility>

#include <fmt/core.h>

#include "archive/ledger_problem.h"

namespace changevault {
namespace {

Error broken(const std::string& what, const std::string& key) {
  return Error(ErrorCode::kCorrupt, what, key,
               "run 'changevault verify' to see all that is damaged; nothing was written");
}

Result<void> check_facts(const CommitEntry& commit, const SegmentFacts& facts, const std::string& key) {
  if (facts.first < commit.first || facts.last > commit.last || facts.last < facts.first) {
    return broken("a segment lies outside the range of the commit that lists it: " + facts.key, key);
  }
  return {};
}

}  // namespace

Result<WalkedEntry> read_entry(Chain& chain, Slot slot) {
  CV_ASSIGN(StoredSlot stored, chain.read(slot));
  const std::string key = chain.key(slot);
  Result<Entry> entry = decode_entry(stored.bytes, key);
  if (!entry) {
    if (entry.error().code == ErrorCode::kCorrupt && entry.error().hint.empty()) {
      entry.error().hint =
          "nothing was written. 'changevault verify' names all damage; 'changevault repair --copy DIR' puts "
          "a ledger "
          "slot back from a copy of the archive";
    }
    return entry.error();
  }
  return WalkedEntry{slot, key, std::move(stored.sha256), std::move(*entry)};
}

Result<std::optional<WalkedEntry>> BackwardWalk::next() {
  if (slot_ < Slot(0)) return std::optional<WalkedEntry>();
  CV_ASSIGN(WalkedEntry walked, ahead_ ? std::move(*ahead_) : read_entry(chain_, slot_));
  slot_ = slot_.previous();
  ahead_.reset();
  std::string wanted = kNoPrevious;
  if (slot_ >= Slot(0)) {
    ahead_ = read_entry(chain_, slot_);
    if (!*ahead_ && !is_ledger_damage(ahead_->error())) return ahead_->error();
    wanted = *ahead_ ? (*ahead_)->sha256 : walked.entry.header.previous;
  }
  if (walked.entry.header.previous != wanted) return slot_rewritten(walked.key);
  return std::optional(std::move(walked));
}

Result<void> walk_chain(Chain& chain, Slot end, const std::function<Result<void>(const WalkedEntry&)>& each) {
  std::string previous = kNoPrevious;
  for (Slot slot(0); slot < end; slot = slot.next()) {
    CV_ASSIGN(const WalkedEntry walked, read_entry(chain, slot));
    if (walked.entry.header.previous != previous) {
      return slot_rewritten(walked.key);
    }
    CV_TRY(each(walked));
    previous = walked.sha256;
  }
  return {};
}

Result<void> PartitionFold::add(const WalkedEntry& walked) {
  if (const auto* claim = std::get_if<ClaimEntry>(&walked.entry.body)) return add_claim(*claim, walked.key);
  if (!claimed_) return broken("a partition's chain does not begin with a claim", walked.key);
  if (closed_) return broken("an epoch goes on behind its end", walked.key);
  if (const auto* commit = std::get_if<CommitEntry>(&walked.entry.body))
    return add_commit(*commit, walked.key);
  if (const auto* lost = std::get_if<LostEntry>(&walked.entry.body)) return add_lost(*lost, walked.key);
  return broken("an entry of another chain stands in a partition's chain", walked.key);
}

Result<void> PartitionFold::add_claim(const ClaimEntry& claim, const std::string& key) {
  if (claimed_ && claim.epoch < epoch_) return broken("a claim goes back to an older epoch", key);
  const bool same_life = claimed_ && claim.epoch == epoch_;
  if (same_life && closed_) return broken("an epoch goes on behind its end", key);
  if (same_life && claim.next != next_) {
    return broken(fmt::format("a claim goes on at sequence {}, the commits before it end before {}",
                              claim.next.value, next_.value),
                  key);
  }
  if (claimed_ && claim.reached != reached_)
    return broken("a claim names another time than the commits before it reached", key);
  claimed_ = true;
  closed_ = false;
  epoch_ = claim.epoch;
  next_ = claim.next;
  floor_ = claim.floor;
  if (!same_life) {
    reached_ = claim.reached;
    tail_.reset();
  }
  return {};
}

Result<void> PartitionFold::add_commit(const CommitEntry& commit, const std::string& key) {
  if (commit.epoch != epoch_) return broken("a commit is of another epoch than the claim before it", key);
  if (commit.first != next_) {
    return broken(fmt::format("a commit begins at sequence {}, the one before ended before {}",
                              commit.first.value, next_.value),
                  key);
  }
  if (reached_ && commit.reached < *reached_) return broken("a commit's time goes back", key);
  std::int64_t records = 0;
  for (const auto* list : {&commit.segments, &commit.dead_letters}) {
    for (const SegmentFacts& facts : *list) {
      if (facts.partition != partition_)
        return broken("a commit lists a segment of another partition: " + facts.key, key);
      CV_TRY(check_facts(commit, facts, key));
      records += facts.records;
    }
  }
  if (records != commit.events) {
    return broken(fmt::format("a commit speaks of {} events and lists {}", commit.events, records), key);
  }
  committed_ = true;
  next_ = commit.last.next();
  reached_ = commit.reached;
  if (commit.tail) tail_ = commit.tail;
  events_ += commit.events;
  return {};
}

Result<void> PartitionFold::add_lost(const LostEntry& lost, const std::string& key) {
  if (lost.epoch != epoch_ || lost.first != next_ || lost.last < lost.first) {
    return broken("a lost range does not follow the commit before it", key);
  }
  next_ = lost.last.next();
  closed_ = lost.unbounded;
  tail_.reset();
  return {};
}

}  // namespace changevault
