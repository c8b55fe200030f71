// Whose group it is: a mark that stands beside every position that an archive commits, since Kafka knows no
// owner of a group.
#pragma once

#include <string>
#include <string_view>

#include "hub/hub.h"
#include "hub/kafka/kafka_admin.h"

namespace changevault::kafka {

// Text for the metadata of a committed position; empty for nobody. At most 1,000 bytes: Event Hubs takes
// 1,024. A longer name is cut.
std::string group_mark(const GroupOwner& owner);
// Nobody where the text is none of ours.
GroupOwner read_group_mark(std::string_view text);
// That of the group: the first position that has one.
GroupOwner owner_of(const CommittedPositions& positions);

}  // namespace changevault::kafka
