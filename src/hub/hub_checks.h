// What may be asked of a hub: the same answers, in the same words, from every driver that knows its bounds.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace changevault {

inline constexpr const char* kDefaultGroup = "$Default";

// `at` == next is inside. Errors: kNotFound below the first event (naming the oldest there is), kValidation
// past the end: the hub has fewer events than it had.
Result<void> check_position(const PartitionBounds& bounds, Sequence at, const std::string& hub);

// What a group may be moved to: 0 to next. kUsage.
Result<void> check_commit(const PartitionBounds& bounds, Sequence next, const std::string& hub);

Result<void> check_group_name(const std::string& group);  // kUsage: empty
// kUsage where a group of `has` is to be read by another.
Result<void> check_owner(const std::string& group, const GroupOwner& has, const GroupOwner& wanted,
                         const std::string& hub);
Result<void> check_assigned(bool assigned, PartitionId partition);  // kUsage
// kFenced: somebody else may have committed behind this member's back.
Error not_the_reader(PartitionId partition, const std::string& group, const std::string& hub);
Error group_exists(const std::string& group, const std::string& hub);  // kAlreadyExists
Error group_is_busy(const std::string& group, const std::vector<MemberDescription>& members,  // kBusy
                    const std::string& hub);
Result<void> check_not_default(const std::string& group, const std::string& hub);  // kUsage
// Partitions are only ever added. kUsage.
Result<void> check_raise(std::int32_t has, std::int32_t wanted, const std::string& hub);
Error no_such_partition(PartitionId partition, std::int32_t partitions, const std::string& hub);
Error no_such_group(const std::string& group, const std::string& hub);

}  // namespace changevault
