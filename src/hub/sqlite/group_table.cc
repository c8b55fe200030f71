#include "hub/sqlite/group_table.h"

#include <algorithm>
#include <utility>

#include "hub/hub_checks.h"

namespace changevault {
namespace {

PartitionId partition_at(const SqliteStatement::Use& use, int column) {
  return PartitionId(static_cast<std::int32_t>(use.integer(column)));
}

// Members as others see them: those that are certainly dead are left out.
std::vector<MemberDescription> describe_members(const std::vector<MemberRow>& members,
                                                const std::map<PartitionId, MemberId>& holders,
                                                const MemberLock& lock) {
  std::vector<MemberDescription> out;
  for (const MemberRow& member : members) {
    if (lock.look(member.lock, member.id) == MemberLock::State::kDead) continue;
    out.push_back({member.name, {}});
    for (const auto& [partition, holder] : holders) {
      if (holder == member.id) out.back().partitions.push_back(partition);
    }
  }
  return out;
}

}  // namespace

Result<void> GroupRows::run(const std::string& sql, std::initializer_list<std::int64_t> numbers) {
  CV_ASSIGN(auto statement, SqliteStatement::prepare(log_.database(), sql));
  SqliteStatement::Use use(statement);
  use.bind_text(1, group_);
  int at = 2;
  for (const std::int64_t number : numbers) use.bind(at++, number);
  return use.finish();
}

Result<bool> GroupRows::exists() {
  CV_ASSIGN(const std::int64_t at, generation());
  return at >= 0;
}

Result<void> GroupRows::add() {
  return run("INSERT OR IGNORE INTO consumer_groups (name) VALUES (?1)");
}

Result<GroupOwner> GroupRows::owner() {
  CV_ASSIGN(auto statement,
            SqliteStatement::prepare(log_.database(),
                                     "SELECT archive, archive_name FROM consumer_groups WHERE name = ?1"));
  SqliteStatement::Use use(statement);
  use.bind_text(1, group_);
  CV_ASSIGN(const bool row, use.step());
  if (!row) return GroupOwner();
  return GroupOwner{std::string(use.bytes(0)), std::string(use.bytes(1))};
}

Result<void> GroupRows::set_owner(const GroupOwner& owner) {
  CV_ASSIGN(auto statement, SqliteStatement::prepare(log_.database(),
                                                     "UPDATE consumer_groups SET archive = ?2, "
                                                     "archive_name = ?3 WHERE name = ?1"));
  return SqliteStatement::Use(statement)
      .bind_text(1, group_)
      .bind_text(2, owner.id)
      .bind_text(3, owner.name)
      .finish();
}

Result<std::int64_t> GroupRows::generation() {
  CV_ASSIGN(auto statement, SqliteStatement::prepare(
                                log_.database(), "SELECT generation FROM consumer_groups WHERE name = ?1"));
  SqliteStatement::Use use(statement);
  use.bind_text(1, group_);
  CV_ASSIGN(const bool row, use.step());
  return row ? use.integer(0) : -1;
}

Result<void> GroupRows::touch() {
  return run("UPDATE consumer_groups SET generation = generation + 1 WHERE name = ?1");
}

Result<std::vector<MemberRow>> GroupRows::members() {
  CV_ASSIGN(auto statement,
            SqliteStatement::prepare(log_.database(),
                                     "SELECT id, name, beat, lease, device, inode FROM members WHERE "
                                     "group_name = ?1 ORDER BY id"));
  SqliteStatement::Use use(statement);
  use.bind_text(1, group_);
  std::vector<MemberRow> members;
  while (true) {
    CV_ASSIGN(const bool row, use.step());
    if (!row) return members;
    members.push_back({MemberId(use.integer(0)),
                       std::string(use.bytes(1)),
                       use.integer(2),
                       milliseconds(use.integer(3)),
                       {use.integer(4), use.integer(5)}});
  }
}

Result<std::map<PartitionId, MemberId>> GroupRows::holders() {
  CV_ASSIGN(auto statement,
            SqliteStatement::prepare(log_.database(),
                                     "SELECT partition, member FROM leases WHERE group_name = ?1"));
  SqliteStatement::Use use(statement);
  use.bind_text(1, group_);
  std::map<PartitionId, MemberId> holders;
  while (true) {
    CV_ASSIGN(const bool row, use.step());
    if (!row) return holders;
    holders.emplace(partition_at(use, 0), MemberId(use.integer(1)));
  }
}

Result<MemberId> GroupRows::add_member(const MemberRow& row) {
  CV_ASSIGN(auto insert,
            SqliteStatement::prepare(log_.database(),
                                     "INSERT INTO members (group_name, name, beat, lease, device, "
                                     "inode) VALUES (?1, ?2, 0, ?3, ?4, ?5)"));
  CV_TRY(SqliteStatement::Use(insert)
             .bind_text(1, group_)
             .bind_text(2, row.name)
             .bind(3, row.lease.ms)
             .bind(4, row.lock.device)
             .bind(5, row.lock.inode)
             .finish());
  return MemberId(sqlite3_last_insert_rowid(log_.database().handle()));
}

Result<void> GroupRows::remove_member(MemberId member) {
  CV_TRY(run("DELETE FROM leases WHERE group_name = ?1 AND member = ?2", {member.value}));
  return run("DELETE FROM members WHERE group_name = ?1 AND id = ?2", {member.value});
}

Result<bool> GroupRows::beat(MemberId member) {
  CV_TRY(run("UPDATE members SET beat = beat + 1 WHERE group_name = ?1 AND id = ?2", {member.value}));
  return sqlite3_changes(log_.database().handle()) > 0;
}

Result<bool> GroupRows::holds(MemberId member, PartitionId partition) {
  CV_ASSIGN(
      auto statement,
      SqliteStatement::prepare(
          log_.database(), "SELECT 1 FROM leases WHERE group_name = ?1 AND partition = ?2 AND member = ?3"));
  SqliteStatement::Use use(statement);
  use.bind_text(1, group_).bind(2, partition.value).bind(3, member.value);
  return use.step();
}

Result<void> GroupRows::grant(PartitionId partition, MemberId member) {
  return run("INSERT INTO leases VALUES (?1, ?2, ?3)", {partition.value, member.value});
}

Result<void> GroupRows::release(PartitionId partition) {
  return run("DELETE FROM leases WHERE group_name = ?1 AND partition = ?2", {partition.value});
}

Result<void> GroupRows::set_position(PartitionId partition, Sequence next) {
  return run("INSERT INTO positions VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET next = excluded.next",
             {partition.value, next.value});
}

Result<void> GroupRows::remove() {
  for (const char* sql :
       {"DELETE FROM positions WHERE name = ?1", "DELETE FROM leases WHERE group_name = ?1",
        "DELETE FROM members WHERE group_name = ?1", "DELETE FROM consumer_groups WHERE name = ?1"}) {
    CV_TRY(run(sql));
  }
  return {};
}

Result<std::vector<std::string>> GroupTable::names() {
  CV_ASSIGN(const SqliteTransaction transaction, log_.begin(SqliteTransaction::Kind::kRead));
  CV_ASSIGN(auto statement,
            SqliteStatement::prepare(log_.database(), "SELECT name FROM consumer_groups ORDER BY name"));
  SqliteStatement::Use use(statement);
  std::vector<std::string> names;
  while (true) {
    CV_ASSIGN(const bool row, use.step());
    if (!row) return names;
    names.emplace_back(use.bytes(0));
  }
}

Result<GroupDescription> GroupTable::describe(const std::string& group) {
  const MemberLock lock(log_.database().path(), false);
  CV_ASSIGN(const SqliteTransaction transaction, log_.begin(SqliteTransaction::Kind::kRead));
  GroupRows rows(log_, group);
  CV_ASSIGN(const bool there, rows.exists());
  if (!there) return no_such_group(group, log_.database().path());
  GroupDescription description{group, {}, {}, {}};
  CV_ASSIGN(const std::vector<PartitionRow> partitions, log_.partitions_inside());
  CV_ASSIGN(auto position,
            SqliteStatement::prepare(log_.database(),
                                     "SELECT next FROM positions WHERE name = ?1 AND partition = ?2"));
  for (const PartitionRow& partition : partitions) {
    SqliteStatement::Use use(position);
    use.bind_text(1, group).bind(2, partition.bounds.partition.value);
    CV_ASSIGN(const bool committed, use.step());
    const std::optional<Sequence> next = committed ? std::optional(Sequence(use.integer(0))) : std::nullopt;
    description.positions.push_back({partition.bounds.partition, next, partition.bounds});
  }
  CV_ASSIGN(const std::vector<MemberRow> members, rows.members());
  CV_ASSIGN(const auto holders, rows.holders());
  description.members = describe_members(members, holders, lock);
  CV_ASSIGN(description.owner, rows.owner());
  return description;
}

Result<void> GroupTable::set_positions(GroupRows& rows, const GroupPositions& positions) {
  for (const auto& [partition, next] : positions) {
    CV_ASSIGN(const PartitionBounds bounds, log_.bounds_inside(partition));
    CV_TRY(check_commit(bounds, next, log_.database().path()));
    CV_TRY(rows.set_position(partition, next));
  }
  return {};
}

Result<void> GroupTable::create(const std::string& group, const GroupPositions& positions) {
  CV_TRY(check_group_name(group));
  CV_ASSIGN(auto transaction, log_.begin(SqliteTransaction::Kind::kWrite));
  GroupRows rows(log_, group);
  CV_ASSIGN(const bool there, rows.exists());
  if (there) return group_exists(group, log_.database().path());
  CV_TRY(rows.add());
  CV_TRY(set_positions(rows, positions));
  return transaction.commit();
}

Result<void> GroupTable::reset(const std::string& group, const GroupPositions& positions) {
  CV_ASSIGN(auto transaction, begin_without_members(group));
  GroupRows rows(log_, group);
  CV_TRY(set_positions(rows, positions));
  return transaction.commit();
}

Result<void> GroupTable::remove(const std::string& group) {
  CV_TRY(check_not_default(group, log_.database().path()));
  CV_ASSIGN(auto transaction, begin_without_members(group));
  CV_TRY(GroupRows(log_, group).remove());
  return transaction.commit();
}

Result<std::vector<MemberRow>> GroupTable::silent_members(const std::string& group) {
  const MemberLock lock(log_.database().path(), false);
  std::vector<MemberRow> unknown;
  {
    CV_ASSIGN(const SqliteTransaction transaction, log_.begin(SqliteTransaction::Kind::kRead));
    CV_ASSIGN(unknown, GroupRows(log_, group).members());
  }
  std::erase_if(unknown, [&](const MemberRow& member) {
    return lock.look(member.lock, member.id) != MemberLock::State::kUnknown;
  });
  Duration longest{};
  for (const MemberRow& member : unknown) longest = std::max(longest, member.lease);
  if (!unknown.empty()) log_.wall_clock().sleep(longest, {});
  return unknown;
}

Result<SqliteTransaction> GroupTable::begin_without_members(const std::string& group) {
  CV_ASSIGN(const std::vector<MemberRow> silent, silent_members(group));
  const MemberLock lock(log_.database().path(), false);
  CV_ASSIGN(auto transaction, log_.begin(SqliteTransaction::Kind::kWrite));
  GroupRows rows(log_, group);
  CV_ASSIGN(const bool there, rows.exists());
  if (!there) return no_such_group(group, log_.database().path());
  CV_ASSIGN(std::vector<MemberRow> members, rows.members());
  CV_ASSIGN(const auto holders, rows.holders());
  std::vector<MemberRow> living;
  for (const MemberRow& member : members) {
    const bool fell_silent = std::ranges::any_of(silent, [&](const MemberRow& before) {
      return before.id == member.id && before.beat == member.beat;
    });
    if (fell_silent || lock.look(member.lock, member.id) == MemberLock::State::kDead) {
      CV_TRY(rows.remove_member(member.id));
    } else {
      living.push_back(member);
    }
  }
  if (!living.empty())
    return group_is_busy(group, describe_members(living, holders, lock), log_.database().path());
  if (!members.empty()) CV_TRY(rows.touch());
  return transaction;
}

}  // namespace changevault
