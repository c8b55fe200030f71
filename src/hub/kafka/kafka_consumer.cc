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
// Between two questions for the ends of partitions: for any, for one that stands at its end, for one of which
// no broker said anything.
constexpr Duration kBetweenQuestions = milliseconds(50);
constexpr Duration kBetweenRepeats = seconds(1);
constexpr Duration kAfterSilence = seconds(15);
// How often a message is fetched again that cannot be read.
constexpr int kMostUnreadable = 5;
// After so long without a word about partitions that we read, the brokers are asked whether they are there.
constexpr Duration kSilence = seconds(10);

bool is_out_of_range(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
         code == RD_KAFKA_RESP_ERR__LOG_TRUNCATION;
}

// librdkafka tells of a log that was cut in the same way as of a position that is gone, but for the words.
bool is_truncation(rd_kafka_resp_err_t code, std::string_view words) {
  return code == RD_KAFKA_RESP_ERR__LOG_TRUNCATION || words.find("truncation") != std::string_view::npos;
}

bool is_unreadable(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__BAD_MSG || code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
         code == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED || code == RD_KAFKA_RESP_ERR_INVALID_MSG;
}

// That the topic is not known may be the word of a broker that is behind; of a position it says nothing.
Error may_pass(Error error) {
  if (error.code != ErrorCode::kNotFound) return error;
  error.code = ErrorCode::kUnreachable;
  error.retryable = true;
  error.hint = "was the topic deleted? Look at the hub with: changevault check";
  return error;
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
  commits_->flush();
  answer_while_leaving(std::exchange(held_, {}).event.get());
  const KafkaError refused(rd_kafka_consumer_close_queue(client_->handle(), queue_.get()));
  const Duration deadline{parts_.clock.steady().ms + kCloseDeadline.ms};
  while (!refused && rd_kafka_consumer_closed(client_->handle()) == 0 &&
         parts_.clock.steady().ms < deadline.ms) {
    answer_while_leaving(take(milliseconds(100)).event.get());
  }
  queue_.reset();
  client_->closed();
}

// A word of the group that is not answered would hold up the leaving.
void MemberConsumer::answer_while_leaving(rd_kafka_event_t* event) {
  if (event != nullptr && rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
    ignore_error(assignment_->hear(event), "it leaves the group anyway");
  ignore_error(assignment_->settle(), "it leaves the group anyway");
}

Result<Poll> MemberConsumer::poll(Duration timeout, std::stop_token stop) {
  CV_TRY(check_refused());
  Result<Poll> polled = poll_once(timeout, stop);
  if (polled) return polled;
  // Only check_refused speaks of positions.
  CV_TRY(check_refused());
  return may_pass(polled.error());
}

Result<Poll> MemberConsumer::poll_once(Duration timeout, const std::stop_token& stop) {
  CV_TRY(settle());
  commits_->flush_due();
  CV_TRY(check_brokers());
  if (std::optional<Poll> end = next_end()) return std::move(*end);
  CV_ASSIGN(std::optional<Poll> news, wait(timeout, stop));
  return std::move(news).value_or(Poll());
}

Result<void> MemberConsumer::settle() {
  if (owner_unsure_) {
    CV_ASSIGN(const CommittedPositions positions, parts_.admin.committed(group_));
    CV_TRY(check_owner(group_, owner_of(positions), owner_, parts_.client.settings.url));
    owner_unsure_ = false;
  }
  if (assignment_->gives_back()) {
    commits_->flush();
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
      ask_for_ends();
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
  if (taken.event && rd_kafka_event_type(taken.event.get()) == RD_KAFKA_EVENT_ERROR)
    taken.place.reset(rd_kafka_event_topic_partition(taken.event.get()));
  return taken;
}

MemberConsumer::News MemberConsumer::handle(Taken taken) {
  switch (rd_kafka_event_type(taken.event.get())) {
    case RD_KAFKA_EVENT_FETCH:
      return fetched(std::move(taken));
    case RD_KAFKA_EVENT_REBALANCE:
      return dealt_out(taken.event.get());
    case RD_KAFKA_EVENT_ERROR:
      return failed(taken);
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
  client_->worked();
  const HubClock clock{parts_.clock.now(), newest_, true};
  BatchBuilder builder(partition, *reading.next, {});
  Taken taken = std::move(first);
  while (true) {
    const Timestamp time = time_of(*taken.message, clock.now);
    newest_ = std::max(newest_.value_or(time), time);
    builder.add(Sequence(taken.message->offset), time, payload_of(*taken.message));
    if (builder.full()) break;
    taken = take(milliseconds(0));
    if (!taken.event) break;
    const bool fits = taken.message != nullptr && taken.message->partition == partition.value;
    if (fits) continue;
    held_ = std::move(taken);
    break;
  }
  reading.next = builder.next();
  reading.end_seen = stands_at_end(partition, builder.next());
  reading.ask_at = {};
  reading.unreadable = 0;
  return builder.finish(false, clock);
}

// By what the fetches before have told: worth a question, where the next empty fetch comes half a second
// later.
bool MemberConsumer::stands_at_end(PartitionId partition, Sequence next) const {
  std::int64_t low = 0;
  std::int64_t high = 0;
  const auto known = rd_kafka_get_watermark_offsets(client_->handle(), parts_.client.settings.topic.c_str(),
                                                    partition.value, &low, &high);
  return known == RD_KAFKA_RESP_ERR_NO_ERROR && high == next.value;
}

MemberConsumer::News MemberConsumer::failed(const Taken& taken) {
  const rd_kafka_resp_err_t code = rd_kafka_event_error(taken.event.get());
  if (taken.place && taken.place->partition >= 0) {
    const PartitionId partition(taken.place->partition);
    Assignment::Reading* const reading = assignment_->find(partition);
    if (reading == nullptr || !reading->given) return std::optional<Poll>();
    return partition_failed(partition, *reading, taken);
  }
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    brokers_gone_ = true;
    CV_TRY(check_brokers());
    return std::optional<Poll>();
  }
  return refused(code, rd_kafka_event_error_string(taken.event.get()));
}

MemberConsumer::News MemberConsumer::partition_failed(PartitionId partition, Assignment::Reading& reading,
                                                      const Taken& taken) {
  const rd_kafka_resp_err_t code = rd_kafka_event_error(taken.event.get());
  const std::string words = rd_kafka_event_error_string(taken.event.get());
  if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    heard_at_ = parts_.clock.steady();
    client_->worked();
    // Behind control records the end lies further than the last event.
    reading.next = std::max(*reading.next, Sequence(taken.place->offset));
    reading.end_seen = true;
    reading.ask_at = {};
    return std::optional<Poll>();
  }
  if (is_truncation(code, words)) return truncated(partition, *reading.next);
  if (is_out_of_range(code)) {
    reading.refused = true;
    CV_TRY(check_refused());
    return std::optional<Poll>();
  }
  if (!is_unreadable(code)) return refused(code, words);
  // It is fetched again, and nothing behind it is taken: what comes later must not hide it.
  const int times = reading.unreadable + 1;
  if (times > kMostUnreadable) {
    return Error(ErrorCode::kCorrupt,
                 "partition " + to_string(partition) + ": what stands at " +
                     std::to_string(reading.next->value) + " or behind it cannot be read: " + words,
                 parts_.client.settings.url,
                 "the broker's log is damaged there, or compressed in an unknown way");
  }
  if (held_.is_about(partition)) held_ = {};
  reading.refused = true;  // librdkafka is to begin anew there
  CV_TRY(assignment_->read_from(partition, *reading.next));
  reading.unreadable = times;
  return std::optional<Poll>();
}

// What was read and is not archived yet may not be what the hub has now: nothing of it may be listed.
Error MemberConsumer::truncated(PartitionId partition, Sequence next) const {
  return Error(
      ErrorCode::kValidation,
      "partition " + to_string(partition) + ": brokers have lost events that they had given out, before " +
          std::to_string(next.value),
      parts_.client.settings.url,
      "nothing of it is archived. Start again: the archive goes on where its last event still stands, and "
      "says so where it does not");
}

MemberConsumer::News MemberConsumer::refused(rd_kafka_resp_err_t code, const std::string& words) {
  if (passes_by_itself(code)) return std::optional<Poll>();
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> text{};
    const auto fatal = rd_kafka_fatal_error(client_->handle(), text.data(), text.size());
    return client_->error("this member of the group '" + group_ + "' cannot go on", fatal, text.data());
  }
  return client_->error("the group '" + group_ + "' cannot be read", code, words);
}

// Nobody says when brokers are back, or that they are gone one by one: they are asked.
Result<void> MemberConsumer::check_brokers() {
  const bool silent = parts_.clock.steady().ms - heard_at_.ms >= kSilence.ms;
  if (!brokers_gone_ && !silent) return {};
  std::vector<PartitionId> asked;
  for (const auto& [partition, reading] : assignment_->readings()) asked.push_back(partition);
  if (asked.empty()) {
    CV_TRY(parts_.admin.describe_topic());
  } else {
    CV_ASSIGN(const auto answers, parts_.admin.latest_at_hand(asked));
    if (answers.empty())
      return client_->error("no broker answers for the partitions that are read here",
                            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
  }
  brokers_gone_ = false;
  heard_at_ = parts_.clock.steady();
  return {};
}

// The error comes with every poll until seek() names another position, or the broker has it after all.
Result<void> MemberConsumer::check_refused() {
  for (auto& [partition, reading] : assignment_->readings()) {
    if (!reading.refused) continue;
    const Result<std::vector<PartitionBounds>> bounds = parts_.admin.bounds({partition});
    if (!bounds) return may_pass(bounds.error());
    CV_TRY(check_position(bounds->front(), *reading.next, parts_.client.settings.url));
    CV_TRY(assignment_->read_from(partition, *reading.next));
  }
  return {};
}

std::optional<Duration> MemberConsumer::question_due() {
  std::optional<Duration> due;
  for (const auto& [partition, reading] : assignment_->readings()) {
    if (reading.end_seen) due = std::min(due.value_or(reading.ask_at), reading.ask_at);
  }
  if (!due) return std::nullopt;
  return std::max(*due, Duration{asked_at_.ms + kBetweenQuestions.ms});
}

// A question that is not answered is asked again later; whether brokers are there at all is check_brokers'.
void MemberConsumer::ask_for_ends() {
  const Duration now = parts_.clock.steady();
  std::vector<PartitionId> asked;
  for (const auto& [partition, reading] : assignment_->readings()) {
    if (reading.end_seen && reading.ask_at <= now) asked.push_back(partition);
  }
  const HubClock clock{parts_.clock.now(), newest_, true};
  const auto answers = parts_.admin.latest_at_hand(asked);
  asked_at_ = parts_.clock.steady();
  for (const PartitionId partition : asked) {
    Assignment::Reading& reading = *assignment_->find(partition);
    const auto end = answers ? answers->find(partition) : std::map<PartitionId, Sequence>::const_iterator();
    const bool answered = answers && end != answers->end();
    reading.ask_at = asked_at_ + (answered ? kBetweenRepeats : kAfterSilence);
    if (answered) heard_at_ = asked_at_;
    if (answered && end->second == *reading.next) ends_.push_back({partition, end->second, clock});
  }
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
  // What was taken from the queue already, librdkafka cannot take back.
  if (held_.is_about(partition)) held_ = {};
  CV_TRY(assignment_->read_from(partition, next));
  assignment_->find(partition)->end_seen = next == bounds.next;
  return {};
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
