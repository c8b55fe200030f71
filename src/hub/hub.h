// The log that change events come through: partitions of numbered events, read by consumer groups.
// Drivers: sqlite/ (embedded), kafka/ (Apache Kafka, Azure Event Hubs), memory/ (tests).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/hub_event.h"
#include "model/ids.h"

namespace changevault {

struct HubDescription {
  std::string kind;      // "sqlite", "kafka", "eventhubs", …
  std::string identity;  // of this very hub: another one in its place (dropped and made again) has another
  std::string topic;     // its name, for people
  std::int32_t partitions = 0;
  // Made and changed by this program alone; the others belong to somebody else, who is not to be surprised.
  bool embedded = false;
};

// What a partition holds: events first <= sequence < next. Empty where first == next.
struct PartitionBounds {
  PartitionId partition{};
  Sequence first{};
  Sequence next{};
  // Greatest broker time of the events that it no longer holds; nullopt: there are none, or it is not known.
  std::optional<Timestamp> gone = {};
};

// The hub's clock for the idle watermark (DESIGN §3). `now` is the present while events arrive live; after an
// import with its own times it is the time of the newest event.
struct HubClock {
  Timestamp now{};
  std::optional<Timestamp> newest;  // broker time of the newest event of any partition
  bool live = true;
};

// Owns the bytes of its events.
struct EventBatch {
  PartitionId partition{};
  std::vector<HubEvent> events;  // views into `bytes`, in order of sequence
  std::shared_ptr<std::string> bytes;
  Sequence next{};  // position behind the batch; may be past the last event (control records)
  // The hub said, with this answer, that nothing stands behind `next`.
  bool at_end = false;
  // The hub's clock, sampled before this fetch.
  HubClock clock;
};

// What a poll brings. Assigned, Revoked and Lost name partitions; a batch stands alone. None of them: nothing
// happened within the time.
struct Poll {
  std::vector<PartitionId> assigned;  // from now on ours: seek() each, then batches come
  std::vector<PartitionId> revoked;   // flush now; ours until the next poll
  std::vector<PartitionId> lost;      // no longer ours: do not flush
  std::optional<EventBatch> batch;    // an empty one (no events, at_end) is news too: the end was reached
  bool idle() const { return assigned.empty() && revoked.empty() && lost.empty() && !batch; }
};

// A member of a consumer group: the live members share the partitions, each partition has at most one reader.
// Destroying it gives its partitions back. One thread.
class Consumer {
 public:
  virtual ~Consumer() = default;
  // Waits up to `timeout` for something to happen; a member for which no partition is left is idle. Says that
  // this member lives: one that does not come back for the length of its lease may lose its partitions, and
  // then hears of it (`lost`) before any batch of them. An event position that the hub no longer has is
  // kNotFound, naming the partition and what is the oldest that it has. No error takes anything away: what
  // would have come comes with a later poll.
  virtual Result<Poll> poll(Duration timeout, std::stop_token stop) = 0;
  // The next batch of an assigned partition starts here.
  virtual Result<void> seek(PartitionId partition, Sequence next) = 0;
  // Records the group's position (the next event to read): a hint for lag, not the truth of any archive.
  // kFenced where the partition is no longer this member's (its revocation counts from the poll after).
  virtual Result<void> commit(PartitionId partition, Sequence next) = 0;
};

struct Message {
  std::string key;                // places the message: equal keys, one partition
  std::string payload;            // the bytes, as they are
  std::optional<Timestamp> time;  // only for hubs that take times (can_import)
};

// One thread.
class Producer {
 public:
  virtual ~Producer() = default;
  // All of them, durably, in order within each partition, or (on an error) a part of them; the count accepted
  // so far is then in the error's message.
  virtual Result<void> append(std::vector<Message> messages) = 0;
  // The longest payload that `append` takes, whatever its key; one that is longer is kUsage.
  virtual std::size_t largest_payload() const { return std::numeric_limits<std::size_t>::max(); }
};

// The archive that a group belongs to: its members are the archivers of this one archive.
struct GroupOwner {
  std::string id;    // of the archive, for ever; empty: of nobody, anybody may join
  std::string name;  // where it is, for people
  bool operator==(const GroupOwner&) const = default;
};

struct GroupPosition {
  PartitionId partition{};
  std::optional<Sequence> next;  // nullopt: never committed
  PartitionBounds bounds;
  std::int64_t lag() const { return bounds.next.value - next.value_or(bounds.first).value; }
};

struct MemberDescription {
  std::string name;                     // "host:pid"
  std::vector<PartitionId> partitions;  // that it reads now
};

struct GroupDescription {
  std::string group;
  std::vector<GroupPosition> positions;
  std::vector<MemberDescription> members = {};  // those not known to be dead
  GroupOwner owner = {};
};

// Where a group stands: the next event to read of each partition that is named.
using GroupPositions = std::map<PartitionId, Sequence>;

// Thread-safe.
class Hub {
 public:
  virtual ~Hub() = default;
  virtual Result<HubDescription> describe() = 0;
  virtual Result<std::vector<PartitionBounds>> bounds() = 0;
  virtual Result<HubClock> clock() = 0;
  // What should be changed about the hub itself, for people; it works without.
  virtual Result<std::vector<std::string>> advice() { return std::vector<std::string>(); }
  // One event by its place; nullopt where the hub no longer has it or not yet. Owns nothing outside the
  // returned batch.
  virtual Result<std::optional<EventBatch>> read(PartitionId partition, Sequence at) = 0;
  // The first event at `at` or behind it: where numbers carry none (control records, keys that were compacted
  // away), or are gone. nullopt where the partition ends without one.
  virtual Result<std::optional<EventBatch>> read_from(PartitionId partition, Sequence at);
  // The first event whose broker time is `time` or later, whatever the times of the events behind it (after
  // an import they may go back); the partition's end where there is none.
  virtual Result<Sequence> at_time(PartitionId partition, Timestamp time) = 0;
  // The group exists from now on (for Kafka: as long as it has members or positions); one that belonged to
  // nobody belongs to `owner`, until it is deleted. kUsage, also from a poll, where it belongs to somebody
  // else: two archives would get a part of the events each.
  virtual Result<std::unique_ptr<Consumer>> join(const std::string& group, const GroupOwner& owner) = 0;
  Result<std::unique_ptr<Consumer>> join(const std::string& group) { return join(group, {}); }
  virtual Result<std::unique_ptr<Producer>> producer() = 0;
  virtual bool can_import() const = 0;                    // messages may carry their own times
  virtual Result<std::vector<std::string>> groups() = 0;  // "$Default" always among them
  virtual Result<GroupDescription> describe_group(const std::string& group) = 0;  // kNotFound
  // A group that stands at these positions. kAlreadyExists; kUsage for positions outside the hub.
  virtual Result<void> create_group(const std::string& group, const GroupPositions& positions) = 0;
  // Moves the group to these positions; partitions not named keep theirs. kNotFound; kBusy, naming them,
  // while the group has live members: they would go on from where they are and commit over it.
  virtual Result<void> reset_group(const std::string& group, const GroupPositions& positions) = 0;
  // Forgets the group and its positions. kNotFound; kBusy as above; kUsage for "$Default".
  virtual Result<void> delete_group(const std::string& group) = 0;
  // Adds partitions until there are `partitions`. Running members are assigned the new ones, producers place
  // by the new number at once: documents may go to another partition from then on. kUsage where the hub has
  // more already.
  virtual Result<void> raise_partitions(std::int32_t partitions) = 0;
  virtual std::string url() const = 0;
};

}  // namespace changevault
