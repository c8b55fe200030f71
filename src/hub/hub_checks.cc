#include "hub/hub_checks.h"

namespace changevault {

Result<void> check_position(const PartitionBounds& bounds, Sequence at, const std::string& hub) {
  const std::string where = "partition " + to_string(bounds.partition) + ": ";
  if (at < bounds.first) {
    return Error(
        ErrorCode::kNotFound,
        where + "event " + std::to_string(at.value) + " is no longer in the hub, the oldest is " +
            std::to_string(bounds.first.value),
        hub, "events before that are lost to this reader: start it at " + std::to_string(bounds.first.value));
  }
  if (at > bounds.next) {
    return Error(
        ErrorCode::kValidation,
        where + "position " + std::to_string(at.value) + " is past the hub's end, the next event will be " +
            std::to_string(bounds.next.value),
        hub, "the hub was replaced or put back from an older copy, or the position belongs to another hub");
  }
  return {};
}

Result<void> check_commit(const PartitionBounds& bounds, Sequence next, const std::string& hub) {
  if (next.value >= 0 && next <= bounds.next) return {};
  return Error(ErrorCode::kUsage,
               "position " + std::to_string(next.value) + " is outside partition " +
                   to_string(bounds.partition) + ", which ends at " + std::to_string(bounds.next.value),
               hub);
}

Result<void> check_group_name(const std::string& group) {
  if (!group.empty()) return {};
  return Error(ErrorCode::kUsage, "the name of the consumer group is empty", {},
               "name one with --group, CONSUMER_GROUP or [hub] group; \"$Default\" always exists");
}

Result<void> check_owner(const std::string& group, const GroupOwner& has, const GroupOwner& wanted,
                         const std::string& hub) {
  if (has.id.empty() || has.id == wanted.id) return {};
  const std::string who = has.name + " (" + has.id.substr(0, 12) + ")";
  if (wanted.id.empty()) {
    return Error(ErrorCode::kUsage, "group \"" + group + "\" belongs to the archive " + who, hub,
                 "read with a group of your own: changevault consume --group NAME --from start");
  }
  return Error(
      ErrorCode::kUsage,
      "group \"" + group + "\" belongs to the archive " + who + ", not to " + wanted.name + " (" +
          wanted.id.substr(0, 12) + "): each would get a part of the events",
      hub,
      "name another group for one of them in [hub] group, each in a store.root of its own; where the "
      "first one is gone for good: changevault groups delete '" +
          group + "'");
}

Result<void> check_assigned(bool assigned, PartitionId partition) {
  if (assigned) return {};
  return Error(ErrorCode::kUsage, "partition " + to_string(partition) + " is not assigned to this reader");
}

Error not_the_reader(PartitionId partition, const std::string& group, const std::string& hub) {
  return Error(
      ErrorCode::kFenced,
      "partition " + to_string(partition) + " is no longer read by this member of group \"" + group + "\"",
      hub, "the next poll says what this member reads now");
}

Error group_exists(const std::string& group, const std::string& hub) {
  return Error(ErrorCode::kAlreadyExists, "the hub has a consumer group \"" + group + "\" already", hub,
               "look at it with `changevault groups describe`, move it with `changevault groups reset`");
}

Error group_is_busy(const std::string& group, const std::vector<MemberDescription>& members,
                    const std::string& hub) {
  std::string names;
  for (const MemberDescription& member : members) names += (names.empty() ? "" : ", ") + member.name;
  return Error(ErrorCode::kBusy,
               "group \"" + group + "\" is being read by " + std::to_string(members.size()) +
                   (members.size() == 1 ? " member: " : " members: ") + names,
               hub, "stop them first, then run the command again");
}

Result<void> check_not_default(const std::string& group, const std::string& hub) {
  if (group != kDefaultGroup) return {};
  return Error(ErrorCode::kUsage, "the group \"$Default\" always exists and cannot be deleted", hub,
               "to read with it from another place: changevault groups reset '$Default' --to start");
}

Result<void> check_raise(std::int32_t has, std::int32_t wanted, const std::string& hub) {
  if (wanted >= has) return {};
  return Error(
      ErrorCode::kUsage,
      "the hub has " + std::to_string(has) + " partitions, which cannot become " + std::to_string(wanted),
      hub,
      "set [hub] partitions = " + std::to_string(has) +
          ": partitions can be added, never taken away, since they hold events");
}

Error no_such_partition(PartitionId partition, std::int32_t partitions, const std::string& hub) {
  return Error(
      ErrorCode::kUsage,
      "the hub has no partition " + to_string(partition) + ", its last is " + std::to_string(partitions - 1),
      hub);
}

Error no_such_group(const std::string& group, const std::string& hub) {
  return Error(ErrorCode::kNotFound, "the hub has no consumer group \"" + group + "\"", hub,
               "`changevault groups list` shows those it has; make one with `changevault groups create`");
}

}  // namespace changevault
