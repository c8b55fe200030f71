#include "hub/kafka/kafka_hub.h"

#include <algorithm>
#include <charconv>

#include "hub/hub_checks.h"
#include "hub/kafka/group_mark.h"
#include "hub/kafka/kafka_consumer.h"
#include "hub/kafka/kafka_producer.h"

namespace changevault::kafka {
namespace {

std::vector<PartitionId> first_partitions(std::int32_t count) {
  std::vector<PartitionId> out;
  for (std::int32_t p = 0; p < count; ++p) out.emplace_back(p);
  return out;
}

std::vector<MemberDescription> described(const GroupState& state) {
  std::vector<MemberDescription> out;
  for (const GroupMember& member : state.members) out.push_back({member.client_id, member.partitions});
  return out;
}

// Event Hubs are made and changed by Azure's management alone.
Error only_by_management(const Settings& settings, const Error& error, const std::string& command) {
  if (!settings.event_hubs) return error;
  const std::string name = settings.servers.substr(0, settings.servers.find('.'));
  return Error(error.code == ErrorCode::kNotFound ? ErrorCode::kUsage : error.code, error.message,
               error.object,
               "az eventhubs eventhub " + command + " -g RESOURCE_GROUP --namespace-name " + name + " -n " +
                   settings.topic);
}

}  // namespace

Result<std::unique_ptr<KafkaHub>> KafkaHub::open(ClientParts parts, const HubOptions& options, Clock& clock) {
  std::unique_ptr<KafkaHub> hub(new KafkaHub(std::move(parts), options.group, clock));
  CV_TRY(hub->start(options));
  return hub;
}

Result<void> KafkaHub::start(const HubOptions& options) {
  // A consumer, though it never joins: librdkafka 2.15 ends the process where a coordinator has moved and the
  // connection that asks it for positions has no group of its own.
  CV_ASSIGN(client_, Client::open(parts_, Client::Role::kConsumer,
                                  {{"group.id", options.group}, {"enable.auto.commit", "false"}}));
  client_->closed();  // there is nothing to leave
  admin_.emplace(*client_, clock_);
  const Result<TopicDescription> topic = admin_->describe_topic();
  if (!topic && topic.error().code == ErrorCode::kNotFound) {
    if (!options.create_with || parts_.settings.event_hubs) {
      return only_by_management(
          parts_.settings, topic.error(),
          "create --partition-count " + std::to_string(options.create_with.value_or(4)));
    }
    const Result<void> made = admin_->create_topic(*options.create_with);
    if (!made && made.error().code != ErrorCode::kAlreadyExists) return made;
  } else {
    CV_TRY(topic);
  }
  if (parts_.settings.event_hubs) return {};
  CV_ASSIGN(cluster_, admin_->cluster_id());
  return {};
}

// An event hub's identity is its name: it gives no topic id, and its cluster's id is not said to last.
Result<HubDescription> KafkaHub::describe() {
  CV_ASSIGN(const TopicDescription topic, admin_->describe_topic());
  const Settings& settings = parts_.settings;
  HubDescription out;
  out.kind = settings.event_hubs ? "eventhubs" : "kafka";
  out.topic = settings.topic;
  out.partitions = topic.partitions;
  out.identity = settings.event_hubs
                     ? settings.url
                     : cluster_ + "/" + settings.topic + (topic.id.empty() ? "" : "/" + topic.id);
  return out;
}

Result<std::vector<std::string>> KafkaHub::advice() {
  std::vector<std::string> out;
  const std::optional<std::string> stamps = admin_->topic_setting("message.timestamp.type");
  if (stamps && *stamps != "LogAppendTime") {
    out.emplace_back("the topic keeps the producers' clocks (message.timestamp.type=" + *stamps +
                     "), so events may stand in the hour of a wrong clock; LogAppendTime keeps the broker's");
  }
  const std::optional<std::string> cleanup = admin_->topic_setting("cleanup.policy");
  if (cleanup && cleanup->find("compact") != std::string::npos) {
    out.emplace_back("the topic is compacted (cleanup.policy=" + *cleanup +
                     "): of several events with one key the older ones disappear before they are archived, "
                     "where the archive falls behind");
  }
  return out;
}

Result<std::vector<PartitionId>> KafkaHub::partitions() {
  CV_ASSIGN(const TopicDescription topic, admin_->describe_topic());
  return first_partitions(topic.partitions);
}

Result<std::vector<PartitionBounds>> KafkaHub::bounds() {
  CV_ASSIGN(const std::vector<PartitionId> all, partitions());
  return admin_->bounds(all);
}

Result<HubClock> KafkaHub::clock() {
  const Timestamp now = clock_.now();
  CV_ASSIGN(const std::optional<Timestamp> newest, newest_event());
  return HubClock{now, newest ? std::optional(std::min(*newest, now)) : std::nullopt, true};
}

// Who cannot name the greatest time is asked for each partition's last event. Event Hubs is not asked: what
// it answers to a question that is younger than its protocol is not known.
Result<std::optional<Timestamp>> KafkaHub::newest_event() {
  CV_ASSIGN(const std::vector<PartitionId> all, partitions());
  if (!parts_.settings.event_hubs) {
    const Result<std::optional<Timestamp>> said = admin_->newest(all);
    if (said && *said) return said;
  }
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, admin_->bounds(all));
  std::optional<Timestamp> newest;
  for (const PartitionBounds& one : bounds) {
    if (one.first == one.next) continue;
    CV_ASSIGN(const auto batch, reader_.first_from(one.partition, Sequence(one.next.value - 1)));
    if (!batch || batch->events.empty()) continue;
    newest = std::max(newest.value_or(batch->events[0].broker_time), batch->events[0].broker_time);
  }
  return newest;
}

Result<void> KafkaHub::check_partition(PartitionId partition) {
  CV_ASSIGN(const TopicDescription topic, admin_->describe_topic());
  if (partition.value >= 0 && partition.value < topic.partitions) return {};
  return no_such_partition(partition, topic.partitions, url());
}

Result<std::optional<EventBatch>> KafkaHub::read_from(PartitionId partition, Sequence at) {
  CV_TRY(check_partition(partition));
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, admin_->bounds({partition}));
  const Sequence first = std::max(at, bounds[0].first);
  if (first >= bounds[0].next) return std::optional<EventBatch>();
  Result<std::optional<EventBatch>> found = reader_.first_from(partition, first);
  // Retention may have taken it since the bounds were asked for.
  if (!found && found.error().code == ErrorCode::kNotFound) return std::optional<EventBatch>();
  return found;
}

Result<std::optional<EventBatch>> KafkaHub::read(PartitionId partition, Sequence at) {
  CV_ASSIGN(std::optional<EventBatch> found, read_from(partition, at));
  if (!found || found->events[0].sequence == at) return found;
  return std::optional<EventBatch>();
}

Result<Sequence> KafkaHub::at_time(PartitionId partition, Timestamp time) {
  CV_TRY(check_partition(partition));
  CV_ASSIGN(const auto ends, admin_->latest({partition}));
  CV_ASSIGN(const auto found, admin_->at_time({partition}, time));
  const auto place = found.find(partition);
  return place != found.end() ? place->second : ends.at(partition);
}

Result<std::unique_ptr<Consumer>> KafkaHub::join(const std::string& group, const GroupOwner& owner) {
  CV_TRY(check_group_name(group));
  CV_TRY(mark_group(group, owner));
  CV_ASSIGN(auto member, MemberConsumer::join({parts_, *admin_, clock_}, group, owner));
  return std::unique_ptr<Consumer>(std::move(member));
}

// The mark has to stand before the first position is committed: another archive would find the group free.
Result<void> KafkaHub::mark_group(const std::string& group, const GroupOwner& owner) {
  CV_ASSIGN(CommittedPositions positions, admin_->committed(group));
  const GroupOwner standing = owner_of(positions);
  CV_TRY(check_owner(group, standing, owner, url()));
  if (owner.id.empty() || standing == owner) return {};
  if (positions.empty()) {
    CV_ASSIGN(const std::vector<PartitionBounds> bounds, admin_->bounds({PartitionId(0)}));
    positions[PartitionId(0)].next = bounds[0].first;
  }
  for (auto& [partition, position] : positions) position.metadata = group_mark(owner);
  Result<void> marked = admin_->commit_as_nobody(group, positions);
  // It has members: they are ours, or they hear of it when the group deals out partitions anew.
  if (!marked && marked.error().code == ErrorCode::kBusy) return {};
  return marked;
}

// A topic may take less than the client would send, or more than it does by default.
std::size_t KafkaHub::largest_message() {
  const Settings& settings = parts_.settings;
  if (settings.event_hubs) return settings.largest_message;
  constexpr std::size_t kMost = std::size_t{64} << 20;
  const std::string said = admin_->topic_setting("max.message.bytes").value_or("");
  std::size_t takes = 0;
  const auto [end, error] = std::from_chars(said.data(), said.data() + said.size(), takes);
  const bool known = error == std::errc() && end == said.data() + said.size() && takes >= 1000;
  if (!known) return settings.largest_message;
  return settings.sized_by_user ? std::min(settings.largest_message, takes) : std::min(takes, kMost);
}

Result<std::unique_ptr<Producer>> KafkaHub::producer() {
  CV_ASSIGN(auto producer, TopicProducer::open(parts_, largest_message()));
  return std::unique_ptr<Producer>(std::move(producer));
}

// Those that read this topic: others of the same cluster, or namespace, are none of ours.
Result<std::vector<std::string>> KafkaHub::groups() {
  CV_ASSIGN(const std::vector<std::string> all, admin_->groups());
  std::vector<std::string> out{kDefaultGroup};
  for (const std::string& group : all) {
    if (group == kDefaultGroup) continue;
    CV_ASSIGN(const CommittedPositions positions, admin_->committed(group));
    bool reads = !positions.empty();
    if (!reads) {
      CV_ASSIGN(const GroupState state, admin_->describe_group(group));
      reads =
          std::ranges::any_of(state.members, [](const auto& member) { return !member.partitions.empty(); });
    }
    if (reads) out.push_back(group);
  }
  std::ranges::sort(out);
  return out;
}

Result<GroupDescription> KafkaHub::describe_group(const std::string& group) {
  CV_TRY(check_group_name(group));
  CV_ASSIGN(const GroupState state, admin_->describe_group(group));
  CV_ASSIGN(const CommittedPositions positions, admin_->committed(group));
  const bool exists = state.has_members || !positions.empty() || group == kDefaultGroup;
  if (!exists) return no_such_group(group, url());
  CV_ASSIGN(const std::vector<PartitionBounds> all, bounds());
  GroupDescription out;
  out.group = group;
  for (const PartitionBounds& one : all) {
    const auto found = positions.find(one.partition);
    out.positions.push_back(
        {one.partition, found == positions.end() ? std::nullopt : std::optional(found->second.next), one});
  }
  out.members = described(state);
  out.owner = owner_of(positions);
  return out;
}

Result<std::vector<PartitionBounds>> KafkaHub::check_positions(const GroupPositions& positions) {
  CV_ASSIGN(std::vector<PartitionBounds> all, bounds());
  for (const auto& [partition, next] : positions) {
    const auto count = static_cast<std::int32_t>(all.size());
    if (partition.value < 0 || partition.value >= count) return no_such_partition(partition, count, url());
    CV_TRY(check_commit(all[static_cast<std::size_t>(partition.value)], next, url()));
  }
  return all;
}

Result<void> KafkaHub::create_group(const std::string& group, const GroupPositions& positions) {
  CV_TRY(check_group_name(group));
  CV_TRY(check_positions(positions));
  const Result<GroupDescription> standing = describe_group(group);
  if (standing) return group_exists(group, url());
  if (standing.error().code != ErrorCode::kNotFound) return standing.error();
  if (positions.empty()) {
    return Error(ErrorCode::kUsage, "a group of Kafka exists by its positions, and none is named", url(),
                 "say where it begins: changevault groups create NAME --from start");
  }
  return move_group(group, positions);
}

Result<void> KafkaHub::reset_group(const std::string& group, const GroupPositions& positions) {
  CV_ASSIGN(const GroupDescription standing, describe_group(group));
  if (!standing.members.empty()) return group_is_busy(group, standing.members, url());
  CV_TRY(check_positions(positions));
  return positions.empty() ? Result<void>() : move_group(group, positions);
}

Result<void> KafkaHub::move_group(const std::string& group, const GroupPositions& positions) {
  CV_ASSIGN(const CommittedPositions standing, admin_->committed(group));
  const std::string mark = group_mark(owner_of(standing));
  CommittedPositions moved;
  for (const auto& [partition, next] : positions) moved[partition] = {next, mark};
  return admin_->commit_as_nobody(group, moved);
}

Result<void> KafkaHub::delete_group(const std::string& group) {
  CV_TRY(check_not_default(group, url()));
  CV_ASSIGN(const GroupDescription standing, describe_group(group));
  if (!standing.members.empty()) return group_is_busy(group, standing.members, url());
  Result<void> deleted = admin_->delete_group(group);
  if (!deleted && deleted.error().code == ErrorCode::kNotFound) return no_such_group(group, url());
  return deleted;
}

Result<void> KafkaHub::raise_partitions(std::int32_t partitions) {
  CV_ASSIGN(const TopicDescription topic, admin_->describe_topic());
  CV_TRY(check_raise(topic.partitions, partitions, url()));
  if (partitions == topic.partitions) return {};
  const Result<void> raised = admin_->create_partitions(partitions);
  if (!raised)
    return only_by_management(parts_.settings, raised.error(),
                              "update --partition-count " + std::to_string(partitions));
  return {};
}

}  // namespace changevault::kafka
