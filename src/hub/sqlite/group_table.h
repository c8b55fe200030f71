// Consumer groups of the embedded hub: names, positions, members.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"
#include "hub/sqlite/lease_plan.h"
#include "hub/sqlite/member_lock.h"
#include "hub/sqlite/sqlite_log.h"

namespace changevault {

// A member as its row has it.
struct MemberRow {
  MemberId id{};
  std::string name;
  std::int64_t beat = 0;  // one more with every sign of life
  Duration lease{};       // how long the beat may stand still
  MemberLock::File lock;
};

// Statements over one group, all inside the caller's transaction.
class GroupRows {
 public:
  // `log` outlives it.
  GroupRows(SqliteLog& log, std::string group) : log_(log), group_(std::move(group)) {}

  Result<bool> exists();
  Result<void> add();  // nothing where it exists
  Result<GroupOwner> owner();
  Result<void> set_owner(const GroupOwner& owner);
  Result<std::vector<MemberRow>> members();
  Result<std::map<PartitionId, MemberId>> holders();
  Result<MemberId> add_member(const MemberRow& row);  // its number is given here
  Result<void> remove_member(MemberId member);        // and its leases
  Result<bool> beat(MemberId member);                 // false: there is no such member
  Result<bool> holds(MemberId member, PartitionId partition);
  Result<void> grant(PartitionId partition, MemberId member);
  Result<void> release(PartitionId partition);
  Result<void> set_position(PartitionId partition, Sequence next);
  // Tells every member that members or leases have changed.
  Result<void> touch();
  Result<std::int64_t> generation();  // moves with touch(); -1 where there is no such group
  Result<void> remove();              // with everything that belongs to it

 private:
  Result<void> run(const std::string& sql, std::initializer_list<std::int64_t> numbers = {});

  SqliteLog& log_;
  std::string group_;
};

// Groups as their administrators see them. Each call is one transaction.
class GroupTable {
 public:
  explicit GroupTable(SqliteLog& log) : log_(log) {}

  Result<std::vector<std::string>> names();
  Result<GroupDescription> describe(const std::string& group);
  Result<void> create(const std::string& group, const GroupPositions& positions);
  Result<void> reset(const std::string& group, const GroupPositions& positions);
  Result<void> remove(const std::string& group);

 private:
  Result<void> set_positions(GroupRows& rows, const GroupPositions& positions);
  // Waits for members of whom nothing is known, and removes those that are dead. kBusy while any lives.
  Result<SqliteTransaction> begin_without_members(const std::string& group);
  Result<std::vector<MemberRow>> silent_members(const std::string& group);

  SqliteLog& log_;
};

}  // namespace changevault
