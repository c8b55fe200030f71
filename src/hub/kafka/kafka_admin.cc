#include "hub/kafka/kafka_admin.h"

#include <algorithm>
#include <array>

namespace changevault::kafka {
namespace {

constexpr int kRequestMs = 10'000;

// The error of an entry in an answer, or none.
rd_kafka_resp_err_t code_of(const rd_kafka_error_t* error) {
  return error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
}

std::string words_of(const rd_kafka_error_t* error) {
  return error == nullptr ? std::string() : rd_kafka_error_string(error);
}

bool is_unknown_group(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND;
}

bool is_busy_group(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
         code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
}

}  // namespace

Result<Event> Admin::ask(const std::string& wanted, rd_kafka_admin_op_t operation, const Submit& submit,
                         const Adjust& adjust) {
  rd_kafka_poll(client_.handle(), 0);  // what connections say between questions is heard
  std::array<char, 256> words{};
  const std::unique_ptr<rd_kafka_AdminOptions_t, Freed> options(
      rd_kafka_AdminOptions_new(client_.handle(), operation));
  const auto set =
      rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestMs, words.data(), words.size());
  if (set != RD_KAFKA_RESP_ERR_NO_ERROR) return Error(ErrorCode::kInternal, words.data());
  if (adjust) adjust(options.get());
  const Queue queue(rd_kafka_queue_new(client_.handle()));
  submit(options.get(), queue.get());
  // The request's own deadline ends the wait; the second one is for a bug.
  Event event(rd_kafka_queue_poll(queue.get(), 2 * kRequestMs));
  if (!event) return client_.error(wanted, RD_KAFKA_RESP_ERR__TIMED_OUT);
  const auto code = rd_kafka_event_error(event.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_.error(wanted, code, rd_kafka_event_error_string(event.get()));
  client_.worked();
  return event;
}

template <typename Call>
auto Admin::patiently(Call call) -> decltype(call()) {
  const Duration deadline{clock_.steady().ms + kRequestMs};
  Duration wait = milliseconds(20);
  while (true) {
    auto outcome = call();
    if (outcome || !outcome.error().retryable || clock_.steady().ms + wait.ms >= deadline.ms) return outcome;
    clock_.sleep(wait, {});
    wait = std::min(Duration{wait.ms * 2}, seconds(1));
  }
}

Result<TopicDescription> Admin::describe_topic() {
  return patiently([&] { return describe_as_known(); });
}

Result<TopicDescription> Admin::describe_as_known() {
  return client_.parts().settings.event_hubs ? count_partitions() : describe_topic_once();
}

// The oldest of the questions: any service with this protocol answers it, from any of its brokers.
Result<TopicDescription> Admin::count_partitions() {
  const std::string wanted = "cannot look at the event hub '" + topic() + "'";
  const std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)> handle(
      rd_kafka_topic_new(client_.handle(), topic().c_str(), nullptr), rd_kafka_topic_destroy);
  const rd_kafka_metadata_t* answer = nullptr;
  const auto code = rd_kafka_metadata(client_.handle(), 0, handle.get(), &answer, kRequestMs);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client_.error(wanted, code);
  const std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)> metadata(
      answer, rd_kafka_metadata_destroy);
  if (metadata->topic_cnt != 1) return client_.error(wanted, RD_KAFKA_RESP_ERR__BAD_MSG);
  if (metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_.error(wanted, metadata->topics[0].err);
  return TopicDescription{{}, metadata->topics[0].partition_cnt};
}

Result<std::map<PartitionId, Admin::OffsetAnswer>> Admin::offsets(const std::vector<PartitionId>& partitions,
                                                                  std::int64_t spec) {
  return patiently([&] { return offsets_once(partitions, spec); });
}

Result<GroupState> Admin::describe_group(const std::string& group) {
  return patiently([&] { return describe_group_once(group); });
}

Result<CommittedPositions> Admin::committed(const std::string& group) {
  return patiently([&] { return committed_once(group); });
}

Result<void> Admin::commit_as_nobody(const std::string& group, const CommittedPositions& positions) {
  return patiently([&] { return commit_once(group, positions); });
}

Result<std::string> Admin::cluster_id() {
  char* const id = rd_kafka_clusterid(client_.handle(), kRequestMs);
  if (id == nullptr) return client_.error("the cluster does not say who it is", RD_KAFKA_RESP_ERR__TIMED_OUT);
  std::string out(id);
  rd_kafka_mem_free(client_.handle(), id);
  return out;
}

Result<TopicDescription> Admin::describe_topic_once() {
  const std::string wanted = "cannot look at the topic '" + topic() + "'";
  const char* name = topic().c_str();
  const std::unique_ptr<rd_kafka_TopicCollection_t, decltype(&rd_kafka_TopicCollection_destroy)> topics(
      rd_kafka_TopicCollection_of_topic_names(&name, 1), rd_kafka_TopicCollection_destroy);
  CV_ASSIGN(const Event event, ask(wanted, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, [&](auto* options, auto* queue) {
              rd_kafka_DescribeTopics(client_.handle(), topics.get(), options, queue);
            }));
  std::size_t count = 0;
  const auto* const* const found =
      rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event.get()), &count);
  if (count != 1) return client_.error(wanted, RD_KAFKA_RESP_ERR__BAD_MSG);
  const rd_kafka_error_t* const failed = rd_kafka_TopicDescription_error(found[0]);
  if (code_of(failed) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_.error(wanted, code_of(failed), words_of(failed));
  TopicDescription out;
  std::size_t partitions = 0;
  rd_kafka_TopicDescription_partitions(found[0], &partitions);
  out.partitions = static_cast<std::int32_t>(partitions);
  const rd_kafka_Uuid_t* const id = rd_kafka_TopicDescription_topic_id(found[0]);
  const bool named = id != nullptr && (rd_kafka_Uuid_most_significant_bits(id) != 0 ||
                                       rd_kafka_Uuid_least_significant_bits(id) != 0);
  if (named) out.id = rd_kafka_Uuid_base64str(id);
  return out;
}

Result<void> Admin::check_topic_results(const std::string& wanted, const rd_kafka_topic_result_t** results,
                                        std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const char* const said = rd_kafka_topic_result_error_string(results[i]);
    Error error = client_.error(wanted, code, said == nullptr ? "" : said);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) error.code = ErrorCode::kAlreadyExists;
    return error;
  }
  return {};
}

Result<void> Admin::create_topic(std::int32_t partitions) {
  const std::string wanted = "cannot make the topic '" + topic() + "'";
  std::array<char, 256> words{};
  rd_kafka_NewTopic_t* made =
      rd_kafka_NewTopic_new(topic().c_str(), partitions, -1, words.data(), words.size());
  if (made == nullptr) return Error(ErrorCode::kUsage, wanted + ": " + words.data());
  // The archive's hours are those of the broker.
  rd_kafka_NewTopic_set_config(made, "message.timestamp.type", "LogAppendTime");
  Result<Event> event = ask(wanted, RD_KAFKA_ADMIN_OP_CREATETOPICS, [&](auto* options, auto* queue) {
    rd_kafka_CreateTopics(client_.handle(), &made, 1, options, queue);
  });
  rd_kafka_NewTopic_destroy(made);
  if (!event) return event.error();
  std::size_t count = 0;
  auto** const results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  CV_TRY(check_topic_results(wanted, results, count));
  return await_topic(partitions);
}

// The controller has answered; the brokers hear of it a little later.
Result<void> Admin::await_topic(std::int32_t partitions) {
  const auto ready = patiently([&]() -> Result<void> {
    Result<TopicDescription> topic = describe_as_known();
    if (!topic) {
      Error error = topic.error();
      error.retryable |= error.code == ErrorCode::kNotFound;
      return error;
    }
    if (topic->partitions < partitions)
      return Error(ErrorCode::kUnreachable,
                   "the topic '" + this->topic() + "' has " + std::to_string(topic->partitions) + " of " +
                       std::to_string(partitions) + " partitions so far",
                   {}, "they come by themselves; look again in a minute", true);
    std::vector<PartitionId> all;
    for (std::int32_t p = 0; p < topic->partitions; ++p) all.emplace_back(p);
    CV_TRY(offsets_once(all, RD_KAFKA_OFFSET_SPEC_LATEST));
    return {};
  });
  return ready;
}

Result<void> Admin::create_partitions(std::int32_t total) {
  const std::string wanted = "cannot add partitions to the topic '" + topic() + "'";
  std::array<char, 256> words{};
  rd_kafka_NewPartitions_t* made = rd_kafka_NewPartitions_new(
      topic().c_str(), static_cast<std::size_t>(total), words.data(), words.size());
  if (made == nullptr) return Error(ErrorCode::kUsage, wanted + ": " + words.data());
  Result<Event> event = ask(wanted, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, [&](auto* options, auto* queue) {
    rd_kafka_CreatePartitions(client_.handle(), &made, 1, options, queue);
  });
  rd_kafka_NewPartitions_destroy(made);
  if (!event) return event.error();
  std::size_t count = 0;
  auto** const results =
      rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event->get()), &count);
  CV_TRY(check_topic_results(wanted, results, count));
  return await_topic(total);
}

std::optional<std::string> Admin::topic_setting(const std::string& name) {
  rd_kafka_ConfigResource_t* resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic().c_str());
  const Result<Event> event = ask("cannot ask for the topic's settings", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
                                  [&](auto* options, auto* queue) {
                                    rd_kafka_DescribeConfigs(client_.handle(), &resource, 1, options, queue);
                                  });
  rd_kafka_ConfigResource_destroy(resource);
  if (!event) return std::nullopt;
  std::size_t count = 0;
  const auto* const* const resources =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  if (count != 1 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return std::nullopt;
  std::size_t entries = 0;
  const auto* const* const settings = rd_kafka_ConfigResource_configs(resources[0], &entries);
  for (std::size_t i = 0; i < entries; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(settings[i]);
    if (name == rd_kafka_ConfigEntry_name(settings[i]) && value != nullptr) return value;
  }
  return std::nullopt;
}

Result<Event> Admin::ask_offsets(const std::vector<PartitionId>& partitions, std::int64_t spec,
                                 int patience_ms) {
  std::vector<std::pair<std::int32_t, std::int64_t>> places;
  for (const PartitionId partition : partitions) places.emplace_back(partition.value, spec);
  const PartitionList list = partition_list(topic(), places);
  const auto submit = [&](auto* options, auto* queue) {
    rd_kafka_ListOffsets(client_.handle(), list.get(), options, queue);
  };
  const auto adjust = [&](auto* options) {
    std::array<char, 64> words{};
    rd_kafka_AdminOptions_set_request_timeout(options, patience_ms, words.data(), words.size());
    const KafkaError ignored(
        rd_kafka_AdminOptions_set_isolation_level(options, RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED));
  };
  return ask("cannot ask for the bounds of the topic '" + topic() + "'", RD_KAFKA_ADMIN_OP_LISTOFFSETS,
             submit, adjust);
}

Result<std::map<PartitionId, Admin::OffsetAnswer>> Admin::offsets_once(
    const std::vector<PartitionId>& partitions, std::int64_t spec) {
  const std::string wanted = "cannot ask for the bounds of the topic '" + topic() + "'";
  CV_ASSIGN(const Event event, ask_offsets(partitions, spec, kRequestMs));
  std::size_t count = 0;
  const auto* const* const infos =
      rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event.get()), &count);
  std::map<PartitionId, OffsetAnswer> out;
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_topic_partition_t* const place = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    if (place->err != RD_KAFKA_RESP_ERR_NO_ERROR) return client_.error(wanted, place->err);
    out[PartitionId(place->partition)] = {place->offset, rd_kafka_ListOffsetsResultInfo_timestamp(infos[i])};
  }
  if (out.size() != partitions.size()) return client_.error(wanted, RD_KAFKA_RESP_ERR__PARTIAL);
  return out;
}

Result<std::map<PartitionId, Sequence>> Admin::latest_at_hand(const std::vector<PartitionId>& partitions) {
  constexpr int kPatienceMs = 3000;
  CV_ASSIGN(const Event event, ask_offsets(partitions, RD_KAFKA_OFFSET_SPEC_LATEST, kPatienceMs));
  std::size_t count = 0;
  const auto* const* const infos =
      rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event.get()), &count);
  std::map<PartitionId, Sequence> out;
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_topic_partition_t* const place = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    if (place->err == RD_KAFKA_RESP_ERR_NO_ERROR && place->offset >= 0)
      out[PartitionId(place->partition)] = Sequence(place->offset);
  }
  return out;
}

Result<std::map<PartitionId, Sequence>> Admin::sequences(const std::vector<PartitionId>& partitions,
                                                         std::int64_t spec) {
  if (partitions.empty()) return std::map<PartitionId, Sequence>();
  CV_ASSIGN(const auto answers, offsets(partitions, spec));
  std::map<PartitionId, Sequence> out;
  for (const auto& [partition, answer] : answers) {
    if (answer.offset >= 0) out[partition] = Sequence(answer.offset);
  }
  return out;
}

Result<std::map<PartitionId, Sequence>> Admin::earliest(const std::vector<PartitionId>& partitions) {
  return sequences(partitions, RD_KAFKA_OFFSET_SPEC_EARLIEST);
}

Result<std::map<PartitionId, Sequence>> Admin::latest(const std::vector<PartitionId>& partitions) {
  return sequences(partitions, RD_KAFKA_OFFSET_SPEC_LATEST);
}

Result<std::map<PartitionId, Sequence>> Admin::at_time(const std::vector<PartitionId>& partitions,
                                                       Timestamp time) {
  return sequences(partitions, std::max<std::int64_t>(time.ms, 0));
}

// The end first: a first that retention moves meanwhile can pass it only in an empty partition.
Result<std::vector<PartitionBounds>> Admin::bounds(const std::vector<PartitionId>& partitions) {
  CV_ASSIGN(const auto ends, latest(partitions));
  CV_ASSIGN(const auto firsts, earliest(partitions));
  std::vector<PartitionBounds> out;
  for (const PartitionId partition : partitions) {
    const auto end = ends.find(partition);
    const auto first = firsts.find(partition);
    if (end == ends.end() || first == firsts.end())
      return client_.error("a broker does not say what it has of partition " + to_string(partition),
                           RD_KAFKA_RESP_ERR__PARTIAL);
    out.push_back({partition, first->second, std::max(end->second, first->second)});
  }
  return out;
}

Result<std::optional<Timestamp>> Admin::newest(const std::vector<PartitionId>& partitions) {
  Result<std::map<PartitionId, OffsetAnswer>> answers =
      offsets(partitions, RD_KAFKA_OFFSET_SPEC_MAX_TIMESTAMP);
  if (!answers) return answers.error();
  std::optional<Timestamp> out;
  for (const auto& [partition, answer] : *answers) {
    if (answer.offset >= 0 && answer.time >= 0)
      out = std::max(out.value_or(Timestamp{answer.time}), Timestamp{answer.time});
  }
  return out;
}

Result<std::vector<std::string>> Admin::groups() {
  const std::string wanted = "cannot list the consumer groups";
  CV_ASSIGN(const Event event,
            ask(wanted, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, [&](auto* options, auto* queue) {
              rd_kafka_ListConsumerGroups(client_.handle(), options, queue);
            }));
  const auto* const result = rd_kafka_event_ListConsumerGroups_result(event.get());
  std::size_t count = 0;
  const auto* const* const errors = rd_kafka_ListConsumerGroups_result_errors(result, &count);
  if (count > 0) return client_.error(wanted, code_of(errors[0]), words_of(errors[0]));
  const auto* const* const listed = rd_kafka_ListConsumerGroups_result_valid(result, &count);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.emplace_back(rd_kafka_ConsumerGroupListing_group_id(listed[i]));
  return out;
}

Result<GroupState> Admin::describe_group_once(const std::string& group) {
  const std::string wanted = "cannot look at the group '" + group + "'";
  const char* name = group.c_str();
  CV_ASSIGN(const Event event,
            ask(wanted, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, [&](auto* options, auto* queue) {
              rd_kafka_DescribeConsumerGroups(client_.handle(), &name, 1, options, queue);
            }));
  std::size_t count = 0;
  const auto* const* const groups = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  if (count != 1) return client_.error(wanted, RD_KAFKA_RESP_ERR__BAD_MSG);
  const rd_kafka_error_t* const failed = rd_kafka_ConsumerGroupDescription_error(groups[0]);
  if (is_unknown_group(code_of(failed))) return GroupState{};
  if (code_of(failed) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_.error(wanted, code_of(failed), words_of(failed));
  GroupState out;
  out.exists = rd_kafka_ConsumerGroupDescription_state(groups[0]) != RD_KAFKA_CONSUMER_GROUP_STATE_DEAD;
  const std::size_t members = rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
  out.has_members = members > 0;
  for (std::size_t i = 0; i < members; ++i) {
    const rd_kafka_MemberDescription_t* const member = rd_kafka_ConsumerGroupDescription_member(groups[0], i);
    GroupMember one;
    one.client_id = rd_kafka_MemberDescription_client_id(member);
    one.host = rd_kafka_MemberDescription_host(member);
    const rd_kafka_MemberAssignment_t* const assignment = rd_kafka_MemberDescription_assignment(member);
    const rd_kafka_topic_partition_list_t* const partitions =
        assignment == nullptr ? nullptr : rd_kafka_MemberAssignment_partitions(assignment);
    for (int p = 0; partitions != nullptr && p < partitions->cnt; ++p) {
      if (topic() == partitions->elems[p].topic) one.partitions.emplace_back(partitions->elems[p].partition);
    }
    std::ranges::sort(one.partitions);
    out.members.push_back(std::move(one));
  }
  return out;
}

Result<CommittedPositions> Admin::committed_once(const std::string& group) {
  const std::string wanted = "cannot ask for the positions of the group '" + group + "'";
  rd_kafka_ListConsumerGroupOffsets_t* question =
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr);
  Result<Event> event =
      ask(wanted, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, [&](auto* options, auto* queue) {
        rd_kafka_ListConsumerGroupOffsets(client_.handle(), &question, 1, options, queue);
      });
  rd_kafka_ListConsumerGroupOffsets_destroy(question);
  if (!event) return event.error();
  std::size_t count = 0;
  const auto* const* const groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event->get()), &count);
  if (count != 1) return client_.error(wanted, RD_KAFKA_RESP_ERR__BAD_MSG);
  const rd_kafka_error_t* const failed = rd_kafka_group_result_error(groups[0]);
  if (is_unknown_group(code_of(failed))) return CommittedPositions();
  if (code_of(failed) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_.error(wanted, code_of(failed), words_of(failed));
  CommittedPositions out;
  const rd_kafka_topic_partition_list_t* const list = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& place = list->elems[i];
    if (topic() != place.topic || place.offset < 0) continue;
    if (place.err != RD_KAFKA_RESP_ERR_NO_ERROR) return client_.error(wanted, place.err);
    const auto* const text = static_cast<const char*>(place.metadata);
    out[PartitionId(place.partition)] = {
        Sequence(place.offset), text == nullptr ? std::string() : std::string(text, place.metadata_size)};
  }
  return out;
}

Result<void> Admin::commit_once(const std::string& group, const CommittedPositions& positions) {
  const std::string wanted = "cannot move the group '" + group + "'";
  std::vector<std::pair<std::int32_t, std::int64_t>> places;
  for (const auto& [partition, position] : positions)
    places.emplace_back(partition.value, position.next.value);
  const PartitionList list = partition_list(topic(), places);
  int index = 0;
  for (const auto& [partition, position] : positions) set_metadata(list->elems[index++], position.metadata);
  rd_kafka_AlterConsumerGroupOffsets_t* change =
      rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get());
  Result<Event> event =
      ask(wanted, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, [&](auto* options, auto* queue) {
        rd_kafka_AlterConsumerGroupOffsets(client_.handle(), &change, 1, options, queue);
      });
  rd_kafka_AlterConsumerGroupOffsets_destroy(change);
  if (!event) return event.error();
  std::size_t count = 0;
  const auto* const* const groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
      rd_kafka_event_AlterConsumerGroupOffsets_result(event->get()), &count);
  if (count != 1) return client_.error(wanted, RD_KAFKA_RESP_ERR__BAD_MSG);
  rd_kafka_resp_err_t code = code_of(rd_kafka_group_result_error(groups[0]));
  const rd_kafka_topic_partition_list_t* const moved = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; moved != nullptr && i < moved->cnt; ++i) {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = moved->elems[i].err;
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  Error error = client_.error(wanted, code);
  if (is_busy_group(code)) {
    error.code = ErrorCode::kBusy;
    error.retryable = false;
  }
  return error;
}

Result<void> Admin::delete_group(const std::string& group) {
  const std::string wanted = "cannot delete the group '" + group + "'";
  rd_kafka_DeleteGroup_t* doomed = rd_kafka_DeleteGroup_new(group.c_str());
  Result<Event> event = ask(wanted, RD_KAFKA_ADMIN_OP_DELETEGROUPS, [&](auto* options, auto* queue) {
    rd_kafka_DeleteGroups(client_.handle(), &doomed, 1, options, queue);
  });
  rd_kafka_DeleteGroup_destroy(doomed);
  if (!event) return event.error();
  std::size_t count = 0;
  const auto* const* const groups =
      rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event->get()), &count);
  if (count != 1) return client_.error(wanted, RD_KAFKA_RESP_ERR__BAD_MSG);
  const rd_kafka_error_t* const failed = rd_kafka_group_result_error(groups[0]);
  if (code_of(failed) == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  Error error = client_.error(wanted, code_of(failed), words_of(failed));
  if (is_unknown_group(code_of(failed))) error.code = ErrorCode::kNotFound;
  if (is_busy_group(code_of(failed))) {
    error.code = ErrorCode::kBusy;
    error.retryable = false;
  }
  return error;
}

}  // namespace changevault::kafka
