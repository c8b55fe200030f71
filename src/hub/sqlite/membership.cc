#include "hub/sqlite/membership.h"

#include <algorithm>
#include <iterator>

#include "hub/hub_checks.h"

namespace changevault {
namespace {

// Between two looks at the locks and beats of the others: how long a killed member's partitions wait.
constexpr Duration kLongestLookInterval = milliseconds(100);
constexpr Duration kBeatPatience = milliseconds(50);
constexpr Duration kBeatRetry = milliseconds(500);
// Leaving is a courtesy: without it the free lock says the same.
constexpr Duration kLeavePatience = seconds(1);

}  // namespace

Membership::Membership(SqliteLog& log, const std::string& group, Options options, Clock& clock)
    : log_(log),
      clock_(clock),
      group_(group),
      options_(std::move(options)),
      rows_(log, group),
      lock_(log.database().path(), true) {}

Membership::~Membership() {
  log_.database().set_patience(kLeavePatience);
  ignore_error(leave(), "the lock goes now, and says that this member is gone");
}

Result<std::unique_ptr<Membership>> Membership::join(SqliteLog& log, const std::string& group,
                                                     Options options, Clock& clock) {
  std::unique_ptr<Membership> member(new Membership(log, group, std::move(options), clock));
  CV_ASSIGN(auto transaction, log.begin(SqliteTransaction::Kind::kWrite));
  CV_TRY(member->enter_group_inside());
  CV_ASSIGN(const MemberId id, member->enter_inside());
  CV_TRY(member->rows_.touch());
  CV_TRY(transaction.commit());
  member->id_ = id;
  member->beat_written();
  return member;
}

Result<void> Membership::leave() {
  if (!id_) return {};
  CV_ASSIGN(auto transaction, log_.begin(SqliteTransaction::Kind::kWrite));
  CV_TRY(rows_.remove_member(*id_));
  CV_TRY(rows_.touch());
  return transaction.commit();
}

// Looked at again with every change: a group may be deleted, and made by another archive, while we are
// silent.
Result<void> Membership::enter_group_inside() {
  CV_TRY(rows_.add());
  CV_ASSIGN(const GroupOwner owner, rows_.owner());
  CV_TRY(check_owner(group_, owner, options_.owner, log_.database().path()));
  return owner == options_.owner ? Result<void>() : rows_.set_owner(options_.owner);
}

Result<MemberId> Membership::enter_inside() {
  if (id_) {
    CV_ASSIGN(const bool there, rows_.beat(*id_));
    if (there) return *id_;
  }
  while (true) {
    const MemberLock::File file = lock_.file();
    CV_ASSIGN(const MemberId id, rows_.add_member({MemberId(), options_.name, 0, options_.lease, file}));
    if (lock_.take(id) && lock_.file() == file) return id;
    CV_TRY(rows_.remove_member(id));
  }
}

void Membership::beat_written() {
  beat_due_ = {clock_.steady().ms + options_.lease.ms / 3};
}

Result<void> Membership::begin_poll() {
  return giving_up_.empty() ? attend() : rebalance();
}

Result<void> Membership::attend() {
  if (has_news()) return {};
  CV_ASSIGN(const std::int64_t version, log_.data_version());
  if (version != known_version_) {
    CV_ASSIGN(const std::int64_t generation, rows_.generation());
    if (generation != known_generation_) known_generation_ = -1;
    known_version_ = version;
  }
  if (known_generation_ < 0) return rebalance();
  const Duration now = clock_.steady();
  if (!last_look_ || now.ms - last_look_->ms >= std::min(kLongestLookInterval.ms, options_.lease.ms / 10)) {
    CV_TRY(look_at_members());
    if (!gone_.empty()) return rebalance();
  }
  if (now < beat_due_) return {};
  CV_ASSIGN(const bool there, beat());
  return there ? Result<void>() : rebalance();
}

Result<bool> Membership::beat() {
  const Duration before = log_.database().set_patience(kBeatPatience);
  Result<bool> there = rows_.beat(*id_);
  log_.database().set_patience(before);
  beat_written();
  if (there.has_value() || there.error().code != ErrorCode::kBusy) return there;
  beat_due_ = std::min(beat_due_, {clock_.steady().ms + kBeatRetry.ms});
  sightings_.clear();
  return true;
}

Result<void> Membership::look_at_members() {
  const Duration now = clock_.steady();
  // Who slept has not seen the beats of others stand still.
  if (last_look_ && now.ms - last_look_->ms > options_.lease.ms / 2) sightings_.clear();
  last_look_ = now;
  gone_.clear();
  CV_ASSIGN(const SqliteTransaction transaction, log_.begin(SqliteTransaction::Kind::kRead));
  CV_ASSIGN(const std::vector<MemberRow> members, rows_.members());
  std::map<MemberId, Sighting> seen;
  for (const MemberRow& member : members) {
    if (member.id == *id_) continue;
    const auto before = sightings_.find(member.id);
    const bool same = before != sightings_.end() && before->second.beat == member.beat;
    const Duration since = same ? before->second.since : now;
    seen[member.id] = {member.beat, since};
    const bool silent = now.ms - since.ms >= member.lease.ms;
    if (silent || lock_.look(member.lock, member.id) == MemberLock::State::kDead) gone_.insert(member.id);
  }
  sightings_ = std::move(seen);
  return {};
}

Result<bool> Membership::give_back_inside(MemberId me) {
  bool changed = false;
  for (const PartitionId partition : giving_up_) {
    CV_ASSIGN(const bool ours, rows_.holds(me, partition));
    if (!ours) continue;
    CV_TRY(rows_.release(partition));
    changed = true;
  }
  return changed;
}

Result<bool> Membership::put_out_the_gone_inside(MemberId me) {
  bool changed = false;
  CV_ASSIGN(const std::vector<MemberRow> members, rows_.members());
  for (const MemberRow& member : members) {
    if (member.id == me) continue;
    const auto seen = sightings_.find(member.id);
    const bool silent =
        gone_.contains(member.id) && seen != sightings_.end() && seen->second.beat == member.beat;
    if (!silent && lock_.look(member.lock, member.id) != MemberLock::State::kDead) continue;
    CV_TRY(rows_.remove_member(member.id));
    changed = true;
  }
  return changed;
}

Result<void> Membership::rebalance() {
  known_generation_ = -1;  // until this has succeeded
  CV_ASSIGN(auto transaction, log_.begin(SqliteTransaction::Kind::kWrite));
  CV_TRY(enter_group_inside());
  CV_ASSIGN(const MemberId me, enter_inside());
  const bool entered = id_ != me;
  CV_ASSIGN(const bool gave_back, give_back_inside(me));
  CV_ASSIGN(const bool put_out, put_out_the_gone_inside(me));

  LeaseTable table;
  CV_ASSIGN(table.partitions, log_.partition_count());
  CV_ASSIGN(table.holders, rows_.holders());
  CV_ASSIGN(const std::vector<MemberRow> members, rows_.members());
  for (const MemberRow& member : members) table.members.push_back(member.id);
  const LeasePlan plan = plan_leases(table, me);
  for (const PartitionId partition : plan.take) CV_TRY(rows_.grant(partition, me));
  if (entered || gave_back || put_out || !plan.take.empty()) CV_TRY(rows_.touch());
  CV_ASSIGN(const std::int64_t generation, rows_.generation());
  CV_TRY(transaction.commit());

  id_ = me;
  known_generation_ = generation;
  beat_written();
  gone_.clear();
  std::set<PartitionId> ours;
  for (const auto& [partition, holder] : table.holders) {
    if (holder == me) ours.insert(partition);
  }
  std::ranges::set_difference(held_, ours, std::back_inserter(news_.lost));
  ours.insert(plan.take.begin(), plan.take.end());
  for (const PartitionId partition : news_.lost) held_.erase(partition);
  std::ranges::set_difference(ours, held_, std::back_inserter(news_.assigned));
  for (const PartitionId partition : plan.give_up) {
    ours.erase(partition);
    // One that was never told needs no revocation either; it is given back all the same.
    if (std::erase(news_.assigned, partition) == 0) news_.revoked.push_back(partition);
  }
  held_ = std::move(ours);
  giving_up_ = plan.give_up;
  return {};
}

Result<bool> Membership::holds_inside(PartitionId partition) {
  return rows_.holds(*id_, partition);
}

Result<void> Membership::commit(PartitionId partition, Sequence next) {
  CV_ASSIGN(auto transaction, log_.begin(SqliteTransaction::Kind::kWrite));
  CV_ASSIGN(const PartitionBounds bounds, log_.bounds_inside(partition));
  CV_TRY(check_commit(bounds, next, log_.database().path()));
  CV_ASSIGN(const bool ours, holds_inside(partition));
  if (!ours) return not_the_reader(partition, group_, log_.database().path());
  CV_TRY(rows_.set_position(partition, next));
  CV_TRY(rows_.beat(*id_));
  CV_TRY(transaction.commit());
  beat_written();
  return {};
}

}  // namespace changevault
