#include "hub/kafka/kafka_consumer.h"

#include <algorithm>
#include <array>
#include <stop_token>
#include <utility>

#include "hub/batch_builder.h"
#include "hub/hub_checks.h"
#include "hub/kafka/group_mark.h"

namespace changevault::kafka {
namespace {

// How long a member that leaves may take to say so.
constexpr Duration kCloseDeadline = seconds(10);
// Between two questions for the ends of partitions: while events trickle, and while none come.
constexpr Duration kBetweenQuestions = milliseconds(50);
constexpr Duration kBetweenRepeats = seconds(1);
// After so long without a word about partitions that we read, the brokers are asked whether they are there.
constexpr Duration kSilence = seconds(10);

bool is_out_of_range(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
         code == RD_KAFKA_RESP_ERR__LOG_TRUNCATION;
}

std::string_view payload_of(const rd_kafka_message_t& message) {
  if (message.payload == nullptr) return {};
  return {static_cast<const char*>(message.payload), message.len};
}

}  // namespace

Result<std::unique_ptr<MemberConsumer>> MemberConsumer::join(const Parts& parts, const std::string& group,
                                                             const GroupOwner& owner) {
  std::unique_ptr<MemberConsumer> member(new MemberConsumer(parts, group, owner));
  CV_TRY(member->start());
  return member;
}

Result<void> MemberConsumer::start() {
  const Properties own{{"group.id", group_},
                       {"partition.assignment.strategy", "cooperative-sticky"},
                       {"enable.auto.commit", "false"},
                       {"enable.auto.offset.store", "false"},
                       {"auto.offset.reset", "error"},
                       {"enable.partition.eof", "true"}};
  CV_ASSIGN(client_, Client::open(parts_.client, Client::Role::kConsumer, own,
                                  RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR));
  rd_kafka_poll_set_consumer(client_->handle());
  queue_.reset(rd_kafka_queue_get_consumer(client_->handle()));
  assignment_.emplace(*client_);
  commits_.emplace(*client_, parts_.clock, group_mark(owner_));
  heard_at_ = parts_.clock.steady();
  const PartitionList topics =
      partition_list(parts_.client.settings.topic, {{RD_KAFKA_PARTITION_UA, RD_KAFKA_OFFSET_INVALID}});
  const auto code = rd_kafka_subscribe(client_->handle(), topics.get());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return client_->error("cannot join the group '" + group_ + "'", code);
}

MemberConsumer::~MemberConsumer() {
  if (queue_) close();
}

void MemberConsumer::close() {
  ignore_error(commits_->flush(), "a hint");
  held_ = {};
  const KafkaError refused(rd_kafka_consumer_close_queue(client_->handle(), queue_.get()));
  const Duration deadline{parts_.clock.steady().ms + kCloseDeadline.ms};
  ignore_error(assignment_->settle(), "it leaves the group anyway");
  while (!refused && rd_kafka_consumer_closed(client_->handle()) == 0 &&
         parts_.clock.steady().ms < deadline.ms) {
    const Taken taken = take(milliseconds(100));
    if (!taken.event || rd_kafka_event_type(taken.event.get()) != RD_KAFKA_EVENT_REBALANCE) continue;
    ignore_error(assignment_->hear(taken.event.get()), "it leaves the group anyway");
    ignore_error(assignment_->settle(), "it leaves the group anyway");
  }
  queue_.reset();
  client_->closed();
}

Result<Poll> MemberConsumer::poll(Duration timeout, std::stop_token stop) {
  CV_TRY(settle());
  CV_TRY(commits_->flush_due());
  CV_TRY(check_brokers());
  CV_TRY(check_refused());
  if (std::optional<Poll> end = next_end()) return std::move(*end);
  CV_ASSIGN(std::optional<Poll> news, wait(timeout, stop));
  if (news) return std::move(*news);
  if (stop.stop_requested()) return Poll();
  // Nothing came within the time: what stands at its end may say so again.
  if (parts_.clock.steady().ms - asked_at_.ms < kBetweenRepeats.ms) return Poll();
  for (auto& [partition, reading] : assignment_->readings()) reading.end_told = false;
  CV_TRY(ask_for_ends());
  return next_end().value_or(Poll());
}

Result<void> MemberConsumer::settle() {
  if (owner_unsure_) {
    CV_ASSIGN(const CommittedPositions positions, parts_.admin.committed(group_));
    CV_TRY(check_owner(group_, owner_of(positions), owner_, parts_.client.settings.url));
    owner_unsure_ = false;
  }
  if (assignment_->gives_back()) {
    ignore_error(commits_->flush(), "a hint");
    for (const PartitionId partition : assignment_->to_give_back()) commits_->forget(partition);
  }
  return assignment_->settle();
}

MemberConsumer::News MemberConsumer::wait(Duration timeout, const std::stop_token& stop) {
  const Duration deadline{parts_.clock.steady().ms + timeout.ms};
  const std::stop_callback wake(stop, [this] { rd_kafka_queue_yield(queue_.get()); });
  while (!stop.stop_requested()) {
    const std::optional<Duration> due = question_due();
    const Duration now = parts_.clock.steady();
    if (due && due->ms <= now.ms) {
      CV_TRY(ask_for_ends());
      if (std::optional<Poll> end = next_end()) return end;
    }
    const Duration until{due ? std::min(due->ms, deadline.ms) : deadline.ms};
    Taken taken =
        held_.event ? std::exchange(held_, {}) : take(Duration{std::max<std::int64_t>(until.ms - now.ms, 0)});
    if (taken.event) {
      CV_ASSIGN(std::optional<Poll> news, handle(std::move(taken)));
      if (news) return news;
    } else if (now.ms >= deadline.ms) {
      break;
    }
  }
  return std::optional<Poll>();
}

MemberConsumer::Taken MemberConsumer::take(Duration timeout) {
  constexpr std::int64_t kLongest = 1000;  // a yield that came before the wait is seen after that
  Taken taken;
  taken.event.reset(rd_kafka_queue_poll(queue_.get(), static_cast<int>(std::min(timeout.ms, kLongest))));
  if (taken.event && rd_kafka_event_type(taken.event.get()) == RD_KAFKA_EVENT_FETCH)
    taken.message = rd_kafka_event_message_next(taken.event.get());
  return taken;
}

MemberConsumer::News MemberConsumer::handle(Taken taken) {
  switch (rd_kafka_event_type(taken.event.get())) {
    case RD_KAFKA_EVENT_FETCH:
      return fetched(std::move(taken));
    case RD_KAFKA_EVENT_REBALANCE:
      return dealt_out(taken.event.get());
    case RD_KAFKA_EVENT_ERROR:
      return failed(taken.event.get());
    default:
      return std::optional<Poll>();
  }
}

MemberConsumer::News MemberConsumer::dealt_out(rd_kafka_event_t* event) {
  heard_at_ = parts_.clock.steady();
  CV_ASSIGN(Poll news, assignment_->hear(event));
  owner_unsure_ |= !news.assigned.empty();
  for (const PartitionId partition : news.lost) commits_->forget(partition);
  if (!news.idle()) return std::optional<Poll>(std::move(news));
  CV_TRY(assignment_->settle());
  return std::optional<Poll>();
}

MemberConsumer::News MemberConsumer::fetched(Taken taken) {
  if (taken.message == nullptr) return std::optional<Poll>();
  const PartitionId partition(taken.message->partition);
  Assignment::Reading* const reading = assignment_->find(partition);
  if (reading == nullptr || !reading->given) return std::optional<Poll>();
  Poll poll;
  poll.batch = collect(partition, *reading, std::move(taken));
  return std::optional<Poll>(std::move(poll));
}

// As many events of one partition as lie at hand.
EventBatch MemberConsumer::collect(PartitionId partition, Assignment::Reading& reading, Taken first) {
  heard_at_ = parts_.clock.steady();
  brokers_gone_ = false;
  const HubClock clock{parts_.clock.now(), newest_, true};
  BatchBuilder builder(partition, *reading.next, {});
  Taken taken = std::move(first);
  while (true) {
    builder.add(Sequence(taken.message->offset), broker_time(*taken.message), payload_of(*taken.message));
    if (builder.full()) break;
    taken = take(milliseconds(0));
    if (!taken.event) break;
    const bool fits = taken.message != nullptr && taken.message->partition == partition.value;
    if (fits) continue;
    held_ = std::move(taken);
    break;
  }
  reading.next = builder.next();
  reading.end_seen = false;
  reading.end_told = false;
  return builder.finish(false, clock);
}

Timestamp MemberConsumer::broker_time(const rd_kafka_message_t& message) {
  const Timestamp time = time_of(message, parts_.clock.now());
  newest_ = std::max(newest_.value_or(time), time);
  return time;
}

MemberConsumer::News MemberConsumer::failed(rd_kafka_event_t* event) {
  const rd_kafka_resp_err_t code = rd_kafka_event_error(event);
  const PartitionPlace place(rd_kafka_event_topic_partition(event));
  if (place) {
    const PartitionId partition(place->partition);
    Assignment::Reading* const reading = assignment_->find(partition);
    if (reading == nullptr || !reading->given) return std::optional<Poll>();
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      heard_at_ = parts_.clock.steady();
      // Behind control records the end lies further than the last event.
      reading->next = std::max(*reading->next, Sequence(place->offset));
      reading->end_seen = true;
      return std::optional<Poll>();
    }
    if (is_out_of_range(code)) {
      reading->refused = true;
      CV_TRY(check_refused());
      return std::optional<Poll>();
    }
  }
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    brokers_gone_ = true;
    CV_TRY(check_brokers());
    return std::optional<Poll>();
  }
  return refused(code, rd_kafka_event_error_string(event));
}

MemberConsumer::News MemberConsumer::refused(rd_kafka_resp_err_t code, const std::string& words) {
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> text{};
    const auto fatal = rd_kafka_fatal_error(client_->handle(), text.data(), text.size());
    return client_->error("this member of the group '" + group_ + "' cannot go on", fatal, text.data());
  }
  Error error = client_->error("the group '" + group_ + "' cannot be read", code, words);
  // A connection that breaks is made again by librdkafka; the revocation that follows a fence tells of it.
  const bool passes = code == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED || error.code == ErrorCode::kFenced ||
                      (error.retryable && error.code == ErrorCode::kUnreachable);
  if (passes) return std::optional<Poll>();
  return error;
}

// Nobody says when brokers are back, or that they are gone one by one: they are asked.
Result<void> MemberConsumer::check_brokers() {
  const bool silent = parts_.clock.steady().ms - heard_at_.ms >= kSilence.ms;
  if (!brokers_gone_ && !silent) return {};
  std::vector<PartitionId> asked;
  for (const auto& [partition, reading] : assignment_->readings()) asked.push_back(partition);
  if (asked.empty()) asked.emplace_back(0);
  CV_TRY(parts_.admin.latest(asked));
  brokers_gone_ = false;
  heard_at_ = parts_.clock.steady();
  return {};
}

// The error comes with every poll until seek() names another position, or the broker has it after all.
Result<void> MemberConsumer::check_refused() {
  for (auto& [partition, reading] : assignment_->readings()) {
    if (!reading.refused) continue;
    CV_ASSIGN(const std::vector<PartitionBounds> bounds, parts_.admin.bounds({partition}));
    CV_TRY(check_position(bounds.front(), *reading.next, parts_.client.settings.url));
    CV_TRY(assignment_->read_from(partition, *reading.next));
  }
  return {};
}

std::optional<Duration> MemberConsumer::question_due() {
  for (const auto& [partition, reading] : assignment_->readings()) {
    if (reading.end_seen && !reading.end_told) return Duration{asked_at_.ms + kBetweenQuestions.ms};
  }
  return std::nullopt;
}

Result<void> MemberConsumer::ask_for_ends() {
  std::vector<PartitionId> asked;
  for (const auto& [partition, reading] : assignment_->readings()) {
    if (reading.end_seen && !reading.end_told) asked.push_back(partition);
  }
  if (asked.empty()) return {};
  const HubClock clock{parts_.clock.now(), newest_, true};
  CV_ASSIGN(const auto ends, parts_.admin.latest(asked));
  heard_at_ = asked_at_ = parts_.clock.steady();
  for (const PartitionId partition : asked) {
    Assignment::Reading& reading = *assignment_->find(partition);
    reading.end_told = true;
    const auto end = ends.find(partition);
    if (end != ends.end() && end->second == *reading.next) ends_.push_back({partition, end->second, clock});
  }
  return {};
}

// An end that was left behind meanwhile is none.
std::optional<Poll> MemberConsumer::next_end() {
  while (!ends_.empty()) {
    const End end = ends_.front();
    ends_.pop_front();
    const Assignment::Reading* const reading = assignment_->find(end.partition);
    if (reading == nullptr || reading->next != end.next) continue;
    Poll poll;
    poll.batch = BatchBuilder(end.partition, end.next, {}).finish(true, end.clock);
    return poll;
  }
  return std::nullopt;
}

Result<void> MemberConsumer::check_partition(PartitionId partition, PartitionBounds& bounds) {
  CV_ASSIGN(const TopicDescription topic, parts_.admin.describe_topic());
  if (partition.value < 0 || partition.value >= topic.partitions)
    return no_such_partition(partition, topic.partitions, parts_.client.settings.url);
  CV_ASSIGN(const std::vector<PartitionBounds> all, parts_.admin.bounds({partition}));
  bounds = all.front();
  return {};
}

Result<void> MemberConsumer::seek(PartitionId partition, Sequence next) {
  PartitionBounds bounds;
  CV_TRY(check_partition(partition, bounds));
  CV_TRY(check_position(bounds, next, parts_.client.settings.url));
  CV_TRY(check_assigned(assignment_->find(partition) != nullptr, partition));
  if (held_.message != nullptr && held_.message->partition == partition.value) held_ = {};
  return assignment_->read_from(partition, next);
}

Result<void> MemberConsumer::commit(PartitionId partition, Sequence next) {
  const Assignment::Reading* const reading = assignment_->find(partition);
  const bool known = reading != nullptr && reading->next && next.value >= 0 && next <= *reading->next;
  if (!known) {
    PartitionBounds bounds;
    CV_TRY(check_partition(partition, bounds));
    CV_TRY(check_commit(bounds, next, parts_.client.settings.url));
  }
  const bool ours = reading != nullptr && rd_kafka_assignment_lost(client_->handle()) == 0;
  if (!ours) return not_the_reader(partition, group_, parts_.client.settings.url);
  return commits_->put(partition, next);
}

}  // namespace changevault::kafka
